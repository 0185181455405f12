#!/usr/bin/env bash
# Generates the client into .cache/clients/java and compiles the programs in this folder with it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../environment.sh"
need openapi-generator-cli 'test/clients/install.sh'
need javac 'Debian package openjdk-17-jdk-headless'
fresh java

openapi-generator-cli generate -g java --library native -i openapi.yaml -o client \
  --global-property skipFormModel=false,apiTests=false,modelTests=false \
  --invoker-package topreward --api-package topreward.api --model-package topreward.model \
  --additional-properties openApiNullable=false,useJakartaEe=true,containerDefaultToNull=true,disallowAdditionalPropertiesIfNotPresent=false >generate.log

# Usually Maven fetches the libraries of the client. Here Jackson is in the jar of the generator, and Debian has the annotations.
generator=$(python -c 'import openapi_generator_cli as c; print(c.__path__[0])')/openapi-generator.jar
[[ -f $jakarta ]] || need "$jakarta" 'Debian package libjakarta-annotation-api-java'
printf '%s' "$generator:$jakarta" >classpath
javac -nowarn -d classes -cp "$(<classpath)" $(find client/src/main/java -name '*.java') "$here"/*.java 2>javac.log ||
  { cat javac.log >&2; exit 1; }
