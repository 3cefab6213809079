#!/bin/bash
# team-setup.sh — run this when a new dev joins

aerostack workspace use acme-team

aerostack skill install @acme/internal-crm-skill
aerostack skill install @acme/deploy-skill
aerostack skill install @acme/jira-skill
aerostack skill install johndoe/github-skill  # public skill

echo "✓ All team skills installed."
echo "Add this to your editor MCP config:"
echo "URL: https://gateway.aerostack.dev/ws/acme-team"
