"""The columns of a result that are not fields."""

MATCHED = "@matched"
REASON = "@reason"
