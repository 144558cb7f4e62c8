#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Published ports: what listens in the container answers on the host, and a port that cannot be had is an
# error, also where pasta would be content with a part: one address family, some ports of a range.
. "$(dirname "$0")/../lib/common.sh"
need pasta python3 busybox
need_subids
tiny_tar "$T/tmp/tiny.tar"
tiny=$T/tmp/tiny.tar
run aw run --network pasta "$tiny" true
[ "$STATUS" = 0 ] || skip_all "pasta does not work here: $ERR"

# free_ports N: the first of N ports in a row that nobody has
free_ports() {
    python3 - "$1" <<'PY'
import socket, sys
for first in range(21000, 32000, 7):
    held = []
    try:
        for port in range(first, first + int(sys.argv[1])):
            for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
                held.append(socket.socket(socket.AF_INET, kind))
                held[-1].bind(('', port))
        print(first)
        break
    except OSError:
        pass
    finally:
        for s in held:
            s.close()
PY
}
# hold ADDRESS PORT KIND: somebody else has it
hold() {
    background python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET,
                  socket.SOCK_DGRAM if sys.argv[3] == "udp" else socket.SOCK_STREAM)
if ":" in sys.argv[1]:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
if sys.argv[3] == "tcp":
    s.listen()
open(sys.argv[4], "w").close()
time.sleep(600)' "$1" "$2" "$3" "$T/held"
    wait_for 20 test -e "$T/held"
    rm -f "$T/held"
}
first=$(free_ports 8)
[ -n "$first" ] || skip_all "no eight free ports in a row"

hold 0.0.0.0 "$first" tcp
run aw run -p "$first:80" "$tiny" echo started
is "a port that another has at IPv4" "$STATUS" 125
refused "it is named, with what mends it" "0\.0\.0\.0, tcp port $first: Address already in use"
like "the mending command" "$ERR" "ss -lnpt sport = :$first"
is "nothing was started" "$OUT" ""
run aw run -p "127.0.0.1:$first:80" "$tiny" echo started
refused "the same at one address" "127\.0\.0\.1, tcp port $first"
run aw run -p "$((first - 1)):80" -p "$first:81/udp" "$tiny" echo started
right_run "its neighbour and its udp port are free" 0 '^started$'

if [ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6; then
    hold :: $((first + 1)) tcp
    run aw run -p "$((first + 1)):80" "$tiny" echo started
    refused "a port that another has at IPv6" "::, tcp port $((first + 1))"
fi
hold 0.0.0.0 $((first + 4)) tcp
run aw run -p "$((first + 2))-$((first + 5)):80-83" "$tiny" echo started
refused "one of a range is taken" "tcp port $((first + 4))"
hold 0.0.0.0 $((first + 6)) udp
run aw run -p "$((first + 6)):53/udp" "$tiny" echo started
refused "a udp port that another has" "udp port $((first + 6))"

if [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 79 ]; then
    run aw run -p 79:80 "$tiny" true
    refused "a port that needs rights" 'tcp port 79: Permission denied'
    like "and what would give them" "$ERR" 'ip_unprivileged_port_start=79'
fi

# a free one, and a second container that wants it, too
background_as_user "$AW" run -p "$((first + 7)):80" "$tiny" sh -c 'echo "I am inside" >/f; while nc -l -p 80 </f; do :; done'
answer() {
    python3 -c 'import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
s.shutdown(socket.SHUT_WR)
print(s.recv(100).decode())' $((first + 7)) 2>/dev/null | grep 'I am inside'
}
holds "what listens inside answers outside" wait_for 20 answer
run aw run -p "$((first + 7)):80" "$tiny" true
refused "another container with that port" "tcp port $((first + 7)): Address already in use"
