# Create the shared workspace (owner only)
aerostack workspace create acme-team

# Issue a token for each team member (or share one team token)
aerostack workspace token create acme-team --name "Alice Cursor"
# → mwt_xxxxxxxx (give this to Alice)

aerostack workspace token create acme-team --name "Bob VSCode"
# → mwt_yyyyyyyy (give this to Bob)

aerostack workspace token list acme-team
# Bob VSCode           2026-03-02     2026-03-06     active

aerostack workspace token revoke acme-team --name "Alice Cursor"
# ✓ Token revoked. Alice's gateway access is immediately disabled.

aerostack workspace token create acme-team --name "CI Bot" --expires-in 86400
aerostack workspace token create engineering --name "Alice Chen (new laptop)"
# -> mwt_alice_new_xxxxxxxx
