# Publish to the marketplace, visible to your team only
aerostack skill publish --name "internal-crm-skill" --private team

# Self-only (not visible to anyone else)
aerostack skill publish --name "my-dev-tool" --private
