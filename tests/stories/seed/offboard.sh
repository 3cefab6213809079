aerostack workspace token revoke engineering --name "Alice Chen"
# -> Revoked. Immediate effect.
aerostack team remove alice@company.com
aerostack workspace token list engineering
# Alice Chen should no longer appear (or show "revoked" status)
aerostack workspace audit engineering
# 2026-03-17 11:15 UTC   admin@co.com     token_revoked: Alice Chen
