#!/usr/bin/env bash
# Generates the types into .cache/clients/typescript and checks the programs in this folder against them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../environment.sh"
fresh typescript
PATH=$root/node_modules/.bin:$PATH

openapi-typescript openapi.yaml --default-non-nullable false --output topreward.d.ts

cp "$here"/*.ts .
printf '{ "type": "module" }\n' >package.json
tsc --noEmit --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --target es2024 --module nodenext \
  --types node --typeRoots "$root/node_modules/@types" --allowImportingTsExtensions usage.ts score.ts
