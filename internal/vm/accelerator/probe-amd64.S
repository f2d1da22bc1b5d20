# The boot sector with which accelerators are timed: it enters long mode, runs
# a loop of a known length and leaves QEMU through isa-debug-exit.
# probe-amd64.bin is made from it with:
#   as probe-amd64.S -o probe.o
#   ld -m elf_x86_64 -Ttext 0x7c00 --oformat binary -o probe-amd64.bin probe.o

    .code16
    .globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp

    # Page tables at 0x1000: the first two megabytes map to themselves.
    movl $0x1000, %edi
    movl %edi, %cr3
    xorl %eax, %eax
    movl $3072, %ecx
    cld
    rep stosl
    movl $0x2003, 0x1000
    movl $0x3003, 0x2000
    movl $0x0083, 0x3000

    movl %cr4, %eax
    orl $0x20, %eax             # PAE
    movl %eax, %cr4
    movl $0xc0000080, %ecx      # EFER
    rdmsr
    orl $0x100, %eax            # LME
    wrmsr
    lgdt gdt_register
    movl %cr0, %eax
    orl $0x80000001, %eax       # PG, PE
    movl %eax, %cr0
    ljmp $8, $long_mode

    .code64
long_mode:
    movl $100000000, %ecx
again:
    decl %ecx
    jnz again
    movb $0x21, %al
    outb %al, $0xf4
stop:
    hlt
    jmp stop

    .align 8
gdt:
    .quad 0
    .quad 0x00209a0000000000    # 64-bit code
gdt_register:
    .word . - gdt - 1
    .long gdt

    .org 510
    .word 0xaa55
