#!/usr/bin/env bash
# Makes the secrets that deploy/compose.yml names, in deploy/secrets; what is there already stays as it is.
set -euo pipefail
cd "$(dirname "$0")"

mkdir -p secrets
# Only root and you can reach them here; the containers' users read them where they are mounted.
chmod 700 secrets
printf '*\n' >secrets/.gitignore

put() {
    [ -e "secrets/$1" ] || { cat >"secrets/$1"; echo "made deploy/secrets/$1"; }
    chmod 444 "secrets/$1"
}
random() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

password=$(random)
if [ ! -e secrets/rabbitmq-user ] || [ ! -e secrets/amqp-url ]; then
    rm -f secrets/rabbitmq-user secrets/amqp-url
    printf 'default_user = triggerbot\ndefault_pass = %s\n' "$password" | put rabbitmq-user
    printf 'amqp://triggerbot:%s@rabbitmq:5672/' "$password" | put amqp-url
fi
random | put grafana-password
random | put page-token
random | put metrics-token
if [ ! -e secrets/github-token ]; then
    printf 'put-a-token-here' | put github-token
    echo "now write a token for your repository into deploy/secrets/github-token (docs/howto/github.md says which)"
fi
