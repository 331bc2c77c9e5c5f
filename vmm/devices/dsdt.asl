/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DSDT of every guest: one PCI host bridge, COM1 (CONSOLE_GSI) and the soft-off state.  The
 * interrupt pins of the physical devices that a guest may have go to its I/O APIC
 * (PASSTHROUGH_SLOT, PASSTHROUGH_GSI), and so do those of emulated NICs (PIN_SLOT, PIN_GSI).  The
 * windows are those of guest_acpi.h.  Linux assigns unset BARs inside them by itself.
 */
DefinitionBlock ("", "DSDT", 2, "PATIO ", "GUEST   ", 1)
{
    Name (\_S5, Package (4) { 5, 0, 0, 0 })

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, Zero)
            Name (_BBN, Zero)
            Name (_CRS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0, 0xFF, 0, 0x100)
                IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
                DWordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x1000, 0xFFFF, 0, 0xF000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,
                    ReadWrite, 0, 0xE0000000, 0xE7FFFFFF, 0, 0x08000000)
            })
            Name (_PRT, Package (8)
            {
                Package (4) { 0x001FFFFF, 0, 0, 16 },
                Package (4) { 0x001EFFFF, 0, 0, 17 },
                Package (4) { 0x001DFFFF, 0, 0, 18 },
                Package (4) { 0x001CFFFF, 0, 0, 19 },
                Package (4) { 0x001BFFFF, 0, 0, 20 },
                Package (4) { 0x001AFFFF, 0, 0, 21 },
                Package (4) { 0x0019FFFF, 0, 0, 22 },
                Package (4) { 0x0018FFFF, 0, 0, 23 }
            })
        }

        Device (COM1)
        {
            Name (_HID, EisaId ("PNP0501"))
            Name (_UID, One)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x03F8, 0x03F8, 0, 8)
                Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 4 }
            })
        }
    }
}
