#!/bin/sh
# Run by lvx on each change: notify = ["/etc/lvx/notify.sh"]
# Arguments: INSTANCE or GROUP, name, state, priority. The environment says why.
case "$3" in
MASTER) logger -t lvx-notify "$1 $2: this director leads ($LVX_CAUSE)" ;;
*) logger -t lvx-notify "$1 $2: $3 after $LVX_PREVIOUS_STATE ($LVX_CAUSE)" ;;
esac
