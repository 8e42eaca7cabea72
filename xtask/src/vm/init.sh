#!/bin/bash
# The first process of an emulated machine: mounts, loads the modules, runs /vm/run, and says its
# exit code in the last line.
export PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin HOME=/root TMPDIR=/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs trace /sys/kernel/tracing
mkdir -p /run/netns /dev/shm
ln -sf /proc/self/fd /dev/fd
while read -r module; do
    insmod "/vm/modules/$module" || echo "vm: module $module does not load"
done < /vm/modules/order
# A virtual console costs a hundredth of what a serial port does.
if [ -e /dev/hvc0 ]; then exec > /dev/hvc0 2>&1; fi
# A machine for tests has no reason to save entropy or to wait for a neighbour.
ip link set lo up
hostname vm
echo VM-READY
bash /vm/run
echo "VM-EXIT $?"
poweroff -f
