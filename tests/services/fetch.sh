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

if command -v java >/dev/null && command -v mvn >/dev/null; then
  if [ ! -e .servers/kafka/lib ]; then
    rm -rf .servers/kafka/fetching
    mvn -q -B -f tests/services/kafka/pom.xml dependency:copy-dependencies -DincludeScope=runtime \
      -DoutputDirectory="$PWD/.servers/kafka/fetching"
    mv .servers/kafka/fetching .servers/kafka/lib
  fi
else
  echo "no java or mvn: Kafka is left out"
fi
if command -v npm >/dev/null; then
  [ -e .servers/kinesis/node_modules/kinesis-local/main.js ] ||
    npm install --silent --no-audit --no-fund --no-package-lock --prefix .servers/kinesis kinesis-local@0.6.2
else
  echo "no npm: kinesis-mock is left out"
fi
