#!/usr/bin/env bash
# Checks the JavaScript with ESLint, where Node is installed; says so where it is not.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v npx > /dev/null; then
  echo "JavaScript is not checked: Node (npx) is not installed."
  exit 0
fi
npx --yes eslint@9 --config scripts/eslint.config.mjs facegen/ui/components/assets
