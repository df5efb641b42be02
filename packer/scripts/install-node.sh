#!/usr/bin/env bash
# Installs Node.js: the one program, checked against its pin once more where it is used. npm stays out: nothing on a node installs packages.
set -euo pipefail
case $IMAGE_ARCH in
  amd64) integrity=$NODE_INTEGRITY_AMD64 ;;
  arm64) integrity=$NODE_INTEGRITY_ARM64 ;;
esac
[ "sha512-$(openssl dgst -sha512 -binary "$STAGE/node.tgz" | base64 -w0)" = "$integrity" ]
mkdir -p /usr/share/doc/node
tar --extract --gzip --file "$STAGE/node.tgz" --no-same-owner --strip-components=2 --directory /usr/bin package/bin/node
tar --extract --gzip --file "$STAGE/node.tgz" --no-same-owner --strip-components=1 --directory /usr/share/doc/node package/LICENSE
chmod 755 /usr/bin/node
[ "$(node --version)" = "v$NODE_VERSION" ]
