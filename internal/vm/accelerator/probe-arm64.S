# The kernel with which accelerators are timed: it runs a loop of a known length and
# switches the machine off by PSCI's SYSTEM_OFF.
# probe-arm64.bin is made from it with:
#   aarch64-linux-gnu-as probe-arm64.S -o probe.o
#   aarch64-linux-gnu-objcopy -O binary probe.o probe-arm64.bin

    .globl _start
_start:
    movz w0, #0x5f5, lsl #16
    movk w0, #0xe100            // 100000000
again:
    subs w0, w0, #1
    b.ne again
    movz w0, #0x8400, lsl #16
    movk w0, #0x0008            // SYSTEM_OFF
    hvc #0
stop:
    wfi
    b stop
