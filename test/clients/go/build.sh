#!/usr/bin/env bash
# Generates the client into .cache/clients/go/topreward and compiles the programs in this folder with it. They use the
# standard library only.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../environment.sh"
need openapi-generator-cli 'test/clients/install.sh'
need java 'Debian package openjdk-17-jdk-headless'
need go 'Debian package golang-go'
fresh go

openapi-generator-cli generate -g go -i openapi.yaml -o topreward --package-name topreward \
  --global-property apiTests=false \
  --additional-properties withGoMod=false,enumClassPrefix=true,disallowAdditionalPropertiesIfNotPresent=false >generate.log

cp -r "$here"/*.go "$here/score" .
printf 'module example\n\ngo 1.19\n' >go.mod
export GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local
go vet . ./score ./topreward
go build -o bin/usage .
go build -o bin/score ./score
