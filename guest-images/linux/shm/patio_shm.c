/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * patio_shm.c: a guest's port in a group (drivers/shm/shm_abi.h) as a UIO device, for Linux 6.1, so
 * that a program in user space can sleep until frames come (docs/groups.md).
 *
 * Of /dev/uioN, which the kernel's UIO core makes, read(2) and poll(2) wait for an interrupt, and
 * mmap(2) at 0 maps the private region, cached.  The registers stay I/O ports, for ioperm(2).
 *
 * Nothing is masked here: the device sends one interrupt for each time that the program has asked
 * for one in its ring, and the UIO core counts those that come while it does not wait.
 *
 * One program has the port at a time.  When it ends, however it does, and nothing of it maps the
 * region any more, the device is reset: the port is down, its buffers are back with the VMM, and no
 * interrupt comes.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/uio_driver.h>
#include "drivers/shm/shm_abi.h"

#define NAME "patio_shm"
#define BARS (BIT(SHM_BAR_IO) | BIT(SHM_BAR_PRIVATE))

struct patio_shm {
	struct uio_info info;
	unsigned long io;
	/* Of the program that has it; NULL: none has.  Under the UIO core's lock. */
	struct inode *inode;
};

static void reset_port(struct patio_shm *shm)
{
	outl(0, shm->io + SHM_IO_STATUS);
}

/* ---- what the UIO core calls, all but the interrupt with its lock held */

static irqreturn_t count_interrupt(int irq, struct uio_info *info)
{
	return IRQ_HANDLED;
}

static int open_port(struct uio_info *info, struct inode *inode)
{
	struct patio_shm *shm = info->priv;

	if (shm->inode)
		return -EBUSY;
	shm->inode = igrab(inode);
	return shm->inode ? 0 : -ENODEV;
}

static int close_port(struct uio_info *info, struct inode *inode)
{
	struct patio_shm *shm = info->priv;

	reset_port(shm);
	iput(shm->inode);
	shm->inode = NULL;
	return 0;
}

/* A page is mapped when it is touched, and only while the device is bound: so none is left behind
 * by an mmap(2) that goes on while the driver is unbound. */
static vm_fault_t map_page(struct vm_fault *vmf)
{
	struct uio_device *uio = vmf->vma->vm_private_data;
	vm_fault_t answer = VM_FAULT_SIGBUS;

	mutex_lock(&uio->info_lock);
	if (uio->info && vmf->pgoff < SHM_PRIVATE_BYTES >> PAGE_SHIFT)
		answer = vmf_insert_pfn(vmf->vma, vmf->address,
		                        PHYS_PFN(uio->info->mem[0].addr) + vmf->pgoff);
	mutex_unlock(&uio->info_lock);
	return answer;
}

static const struct vm_operations_struct private_region = {.fault = map_page};

/* The UIO core has checked the length.  Its own mapping of a device's memory is not cached. */
static int map_port(struct uio_info *info, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL; /* a page of a device is not copied on write */
	vma->vm_flags |= VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP;
	vma->vm_ops = &private_region;
	return 0;
}

/* ---- the device */

/* Registers and private region are as this driver knows them.  The mapping, which stays until the
 * device is unbound, also makes those of programs cached ones. */
static int check(struct pci_dev *pdev)
{
	const struct shm_private *shared;

	if (pci_resource_len(pdev, SHM_BAR_IO) <= SHM_IO_REGION_LEN ||
	    pci_resource_len(pdev, SHM_BAR_PRIVATE) != SHM_PRIVATE_BYTES)
		return -ENODEV;
	shared = devm_memremap(&pdev->dev, pci_resource_start(pdev, SHM_BAR_PRIVATE),
	                       SHM_PRIVATE_BYTES, MEMREMAP_WB);
	if (IS_ERR(shared))
		return PTR_ERR(shared);
	return shared->magic == SHM_MAGIC && shared->version == SHM_VERSION ? 0 : -ENODEV;
}

static void describe(struct patio_shm *shm, struct pci_dev *pdev)
{
	shm->io = pci_resource_start(pdev, SHM_BAR_IO);
	shm->info = (struct uio_info){
	    .name = NAME,
	    .version = "1",
	    .priv = shm,
	    .irq = pci_irq_vector(pdev, 0),
	    .handler = count_interrupt,
	    .open = open_port,
	    .release = close_port,
	    .mmap = map_port,
	    .mem = {{.name = "private",
	             .addr = pci_resource_start(pdev, SHM_BAR_PRIVATE),
	             .size = SHM_PRIVATE_BYTES,
	             .memtype = UIO_MEM_PHYS}},
	    .port = {{.name = "registers",
	              .start = shm->io,
	              .size = pci_resource_len(pdev, SHM_BAR_IO),
	              .porttype = UIO_PORT_X86}},
	};
}

static int start(struct patio_shm *shm, struct pci_dev *pdev)
{
	int rc = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSIX);

	if (rc < 0)
		return rc;
	describe(shm, pdev);
	reset_port(shm); /* a program without this driver, or an earlier kernel, left it running */
	rc = uio_register_device(&pdev->dev, &shm->info);
	if (rc)
		pci_free_irq_vectors(pdev);
	return rc;
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct patio_shm *shm = devm_kzalloc(&pdev->dev, sizeof(*shm), GFP_KERNEL);
	int rc;

	if (!shm)
		return -ENOMEM;
	rc = pcim_enable_device(pdev);
	if (!rc)
		rc = pci_request_selected_regions(pdev, BARS, NAME);
	if (!rc)
		rc = check(pdev);
	if (rc)
		return rc;
	pci_set_drvdata(pdev, shm);
	pci_set_master(pdev); /* its interrupts are writes of its own */
	return start(shm, pdev);
}

/*
 * When the UIO device is gone, a program that waits for it is woken and fails, and nothing here is
 * called for it any more.  What it has mapped is taken away: the next touch is a SIGBUS, and not an
 * access to what the next program does.
 */
static void unbind(struct pci_dev *pdev)
{
	struct patio_shm *shm = pci_get_drvdata(pdev);

	uio_unregister_device(&shm->info);
	if (shm->inode) {
		unmap_mapping_range(shm->inode->i_mapping, 0, 0, 1);
		iput(shm->inode);
	}
	reset_port(shm);
	pci_free_irq_vectors(pdev);
}

/* The next kernel gets no interrupt that this one has asked for. */
static void power_off(struct pci_dev *pdev)
{
	reset_port(pci_get_drvdata(pdev));
}

static const struct pci_device_id ids[] = {{PCI_DEVICE(SHM_PCI_VENDOR, SHM_PCI_DEVICE)}, {0}};

static struct pci_driver patio_driver = {
    .name = NAME,
    .id_table = ids,
    .probe = probe,
    .remove = unbind,
    .shutdown = power_off,
};
module_pci_driver(patio_driver);

MODULE_DEVICE_TABLE(pci, ids);
MODULE_DESCRIPTION("Patio's ports in groups, for programs that sleep until frames come");
MODULE_LICENSE("Dual BSD/GPL");
