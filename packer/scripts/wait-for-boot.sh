#!/usr/bin/env bash
# Waits until a fresh instance has finished its own first boot: before that, cloud-init and this build fight for apt's lock.
set -euo pipefail
if command -v cloud-init > /dev/null; then
  # 2 means "finished, with warnings", which is none of this build's business.
  cloud-init status --wait > /dev/null || [ $? -eq 2 ]
fi
