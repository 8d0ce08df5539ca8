#!/bin/sh
# Starts the node as this container's first process, with every file of it on the volume. Works with Debian's package and
# with the official image, as any user. See the RabbitMQ guide "Configuration", section "Environment Variables".
set -eu
PATH=/usr/lib/rabbitmq/bin:/opt/rabbitmq/sbin:$PATH
export PATH HOME="$1"
umask 077
mkdir -p "$HOME/mnesia" "$HOME/log" "$HOME/config" "$HOME/schema"
# Erlang's cookie: this node speaks to no other, and its ports for that are on the loopback address only.
[ -s "$HOME/.erlang.cookie" ] || head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$HOME/.erlang.cookie"
chmod 400 "$HOME/.erlang.cookie"
export ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_LOGS=-
export RABBITMQ_MNESIA_BASE="$HOME/mnesia" RABBITMQ_LOG_BASE="$HOME/log" RABBITMQ_PID_FILE="$HOME/pid"
export RABBITMQ_GENERATED_CONFIG_DIR="$HOME/config" RABBITMQ_SCHEMA_DIR="$HOME/schema"
export RABBITMQ_CONFIG_FILE=/etc/tongban/broker/rabbitmq.conf RABBITMQ_ADVANCED_CONFIG_FILE=/etc/tongban/broker/advanced.config
export RABBITMQ_ENABLED_PLUGINS_FILE=/etc/tongban/broker/enabled_plugins
export RABBITMQ_CONF_ENV_FILE=/nonexistent
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
export RABBITMQ_CTL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
# The script becomes the node, so that one signal to it is a proper stop.
export RUNNING_UNDER_SYSTEMD=true
exec rabbitmq-server
