"""The two badges that say what a number is worth."""

CERTIFIED = ":green-badge[:material/verified: certified]"
NOT_CERTIFIED = ":orange-badge[:material/warning: not certified]"
