#!/usr/bin/env bash
# Fetch the servers that tests talk to into .servers/, from the registries of their languages: `make servers`. What is there
# stays. Without a language's tools its servers are left out, and their tests are skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p .servers/bin

if command -v go >/dev/null; then
  [ -x .servers/bin/versitygw ] || GOBIN="$PWD/.servers/bin" go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
else
  echo "no go: versitygw (S3) is left out"
fi

if command -v mvn >/dev/null; then
  if [ ! -e .servers/opensearch/.whole ]; then
    mvn -q -B -f tests/services/opensearch/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$PWD/.servers/opensearch"
    touch .servers/opensearch/.whole
  fi
else
  echo "no mvn: OpenSearch is left out"
fi
