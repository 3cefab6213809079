aerostack workspace audit acme-team
# 2026-03-07 11:30 UTC  bob@acme      @acme/deploy-skill      install
