# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2034
#
# A machine with another kernel: Debian 12's own, in qemu-system-x86_64, with the program under test
# and a small Debian on its disk. Sourced after common.sh; needs the network for Debian packages only
# when the trees are not in the cache yet, and no root.
#
#     vm_build [FILE...]        make the disk; FILEs are put into its /payload
#     vm_run SECONDS SCRIPT     boot it, run SCRIPT (text) as its root; OUT is what was printed,
#                               STATUS the script's exit status (124: no end in time)
#
# 1. The disk is written by an unprivileged mke2fs -d, from a tree that only subordinate ids own.
# 2. KVM is used where a guest really boots with it: /dev/kvm alone proves nothing. Otherwise TCG.

# The package that owns the file, as a name that debootstrap knows.
vm_package_of() {
    dpkg-query -S "$(readlink -f "$1")" 2>/dev/null | head -n 1 | cut -d: -f1
}

vm_build() {
    local libraries userland kernel qemu lib include=crun,uidmap,kmod,procps
    while read -r lib; do
        lib=$(vm_package_of "$lib")
        [ -z "$lib" ] || case ",$include," in *",$lib,"*) ;; *) include+=,$lib ;; esac
    done < <(ldd "$ARCHWAY" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p')
    # shellcheck source=/dev/null
    debian_image amd64 --include="$include" "$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")" || return 1
    userland=$IMAGE
    debian_image amd64 --include=linux-image-amd64 bookworm || return 1
    kernel=$IMAGE
    qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64)

    VM=$T/tmp/vm
    as_user mkdir -p "$VM/payload" "$VM/initrd/bin"
    for lib in "$AW" "$@"; do
        as_user cp -- "$lib" "$VM/payload/"
    done
    as_user cp -- "$(static_busybox)" "$VM/initrd/bin/busybox"
    as_user cp -- "$qemu" "$VM/payload/qemu-aarch64-static"
    user_file "$VM/vm-init" <<'X'
#!/bin/bash
export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LC_ALL=C.UTF-8
mount -t proc proc /proc; mount -t sysfs sysfs /sys
mkdir -p /dev/pts /dev/shm; mount -t devpts devpts /dev/pts; mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
hostname vm 2>/dev/null || echo vm >/proc/sys/kernel/hostname
# the kernel's own chatter would cut our lines
echo 1 >/proc/sys/kernel/printk
mkdir -p /run/user/1000; chown 1000:1000 /run/user/1000
as_tester() {
    setpriv --reuid 1000 --regid 1000 --clear-groups env -i HOME=/home/tester USER=tester LOGNAME=tester \
        XDG_RUNTIME_DIR=/run/user/1000 PATH="$PATH" LC_ALL=C.UTF-8 "$@"
}
export -f as_tester
echo VM-BEGIN
bash /payload/script </dev/null 2>&1
echo "VM-END $?"
sync
echo o >/proc/sysrq-trigger
sleep 60
X
    user_file "$VM/initrd/init" <<'X'
#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /sys /dev /new
$b mount -t proc proc /proc; $b mount -t sysfs sysfs /sys; $b mount -t devtmpfs devtmpfs /dev
while read -r m; do $b insmod /lib/$m; done </lib/order
for i in 1 2 3 4 5 6 7 8 9; do [ -b /dev/vda ] && break; $b sleep 1; done
$b mount -t ext4 /dev/vda /new
$b mount --move /dev /new/dev
exec $b switch_root /new /vm-init
X
    if ! in_subids bash -euo pipefail -c '
        cd "$1"; userland=$2 kernel=$3
        mkdir root modules
        tar -C root -xf "$userland"
        tar -C root -xf "$kernel" --wildcards "./usr/lib/modules/*" "./boot/vmlinuz-*"
        mv root/boot/vmlinuz-* vmlinuz
        release=$(ls root/usr/lib/modules)
        depmod -b root "$release"
        mkdir -p initrd/lib
        for m in virtio_pci virtio_blk ext4; do modprobe -d "$PWD/root" -S "$release" --show-depends $m; done |
            sed -n "s/^insmod \([^ ]*\).*/\1/p" | awk "!seen[\$0]++" | while read -r path; do
            cp "$path" initrd/lib/; basename "$path" >>initrd/lib/order
        done
        chmod 755 initrd/init vm-init
        (cd initrd && find . | cpio -o -H newc --quiet -R 0:0) >initrd.img
        mv vm-init root/; mv payload root/payload
        install -D -m 755 root/payload/archway root/usr/local/bin/archway
        install -m 755 root/payload/qemu-aarch64-static root/usr/bin/qemu-aarch64-static
        echo "tester:x:1000:1000::/home/tester:/bin/bash" >>root/etc/passwd
        echo "tester:x:1000:" >>root/etc/group
        echo "tester:100000:65536" | tee root/etc/subuid >root/etc/subgid
        install -d -o 1000 -g 1000 root/home/tester
        rm -rf root/usr/share/{doc,man,locale} root/var/cache/apt
    ' vm "$VM" "$userland" "$kernel" 2>"$T/.err"; then
        not_ok "make the machine's disk" "$(tail -n 20 "$T/.err")"
        return 1
    fi
}

# vm_boot SECONDS ACCELERATOR SECONDS-TO-BEGIN: false when the guest did not even begin
vm_boot() {
    local limit=$1 accel=$2 begin=$3 pid end
    local run_as=(as_user)
    [ "$accel" != kvm ] || [ "$(id -u)" != 0 ] || run_as=()
    # the shell between keeps the word about a QEMU that aborts (on a /dev/kvm that is none) in the console
    "${run_as[@]}" timeout "$limit" bash -c '"$@"; exit $?' qemu qemu-system-x86_64 -accel "$accel" -cpu max -m 2048 -smp 2 -nographic -no-reboot \
        -nodefaults -serial stdio -monitor none -kernel "$VM/vmlinuz" -initrd "$VM/initrd.img" \
        -append "console=ttyS0 panic=-1 quiet" \
        -drive "file=$VM/disk.img,format=raw,if=virtio,cache=unsafe" </dev/null >"$T/console" 2>&1 &
    pid=$!
    end=$((SECONDS + begin))
    until grep -q VM-BEGIN "$T/console"; do
        if [ $SECONDS -ge $end ] || ! kill -0 "$pid" 2>/dev/null; then
            kill "$pid" 2>/dev/null
            { wait "$pid"; } 2>/dev/null
            return 1
        fi
        sleep 0.5
    done
    { wait "$pid"; } 2>/dev/null
    return 0
}

vm_run() {
    local limit=$1
    printf '%s\n' "$2" | user_file "$T/tmp/script"
    if ! in_subids bash -euc 'cd "$1"; cp "$2" root/payload/script
        rm -f disk.img; truncate -s 3G disk.img; mke2fs -q -t ext4 -O ^has_journal -d root disk.img' vm "$VM" "$T/tmp/script" 2>"$T/.err"; then
        STATUS=125 OUT=$(cat "$T/.err")
        return
    fi
    if [ -z "${VM_ACCEL:-}" ]; then
        VM_ACCEL=tcg
        if [ -w /dev/kvm ] && vm_boot "$limit" kvm 20; then VM_ACCEL=kvm; fi
        [ $VM_ACCEL = kvm ] || vm_boot "$limit" tcg 180
    else
        vm_boot "$limit" "$VM_ACCEL" 180
    fi
    OUT=$(tr -d '\r' <"$T/console" | sed -n '/VM-BEGIN/,/VM-END/p')
    STATUS=$(sed -n 's/^VM-END //p' <<<"$OUT" | tail -n 1)
    if [ -z "$STATUS" ]; then
        STATUS=124 OUT=$(tail -n 40 "$T/console")
    fi
}
