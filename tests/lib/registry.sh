# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
#
# A registry of our own on the loopback address, and a slow proxy before it that logs each request.
# Sourced after common.sh.

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
answers() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# registry_start: REGISTRY is its port. The test user's containers configuration calls it insecure.
registry_start() {
    REGISTRY=$(free_port)
    as_user mkdir -p "$T/tmp/registry"
    user_file "$T/tmp/registry.yml" <<X
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $T/tmp/registry}, delete: {enabled: true}}
http: {addr: "127.0.0.1:$REGISTRY"}
X
    background_as_user docker-registry serve "$T/tmp/registry.yml" >"$T/registry.log" 2>&1
    wait_for 20 answers "$REGISTRY" || skip_all "docker-registry does not start: $(tail -n 3 "$T/registry.log")"
    registry_trust "$REGISTRY"
}
# proxy_start BYTES-PER-SECOND: PROXY is its port, PROXY_LOG its log
proxy_start() {
    PROXY=$(free_port) PROXY_LOG=$T/proxy.$PROXY.log
    : >"$PROXY_LOG"
    background "$LIB/slow-proxy" "$PROXY" "$REGISTRY" "$1" "$PROXY_LOG" 2>"$T/proxy.err"
    wait_for 20 answers "$PROXY" || skip_all "the proxy does not start: $(cat "$T/proxy.err")"
    registry_trust "$PROXY"
}
# plain HTTP on this port is fine; the way in which skopeo and podman are told
registry_trust() {
    as_user sh -c 'mkdir -p ~/.config/containers; printf "[[registry]]\nlocation = \"127.0.0.1:%s\"\ninsecure = true\n" "$1" >>~/.config/containers/registries.conf' sh "$1"
}
# push SOURCE NAME: into the registry; NAME like lib/tiny:1
push() {
    as_user skopeo --insecure-policy copy -q --all --dest-tls-verify=false "$1" "docker://127.0.0.1:$REGISTRY/$2" >"$T/.push" 2>&1 ||
        { not_ok "push $1 to the registry" "$(tail -n 5 "$T/.push")"; return 1; }
}
