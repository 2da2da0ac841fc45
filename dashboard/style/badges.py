"""The badges for certified and for uncertified numbers."""

CERTIFIED = ":green-badge[:material/verified: certified]"
NOT_CERTIFIED = ":orange-badge[:material/warning: not certified]"
