# Full access workspace (senior engineers)
aerostack workspace create eng-full
aerostack mcp install internal-api --workspace eng-full
aerostack mcp install database --workspace eng-full
aerostack mcp install deploy-pipeline --workspace eng-full

# Read-only workspace (junior engineers, contractors)
aerostack workspace create eng-readonly
aerostack mcp install internal-api --workspace eng-readonly
aerostack mcp install database --workspace eng-readonly
# deploy-pipeline NOT included

aerostack workspace create project-alpha
aerostack workspace create project-beta

# Each project gets only the MCP servers it needs
aerostack mcp install alpha-api --workspace project-alpha
aerostack mcp install beta-api --workspace project-beta

# Create token
aerostack workspace token create engineering --name "Contractor: Jane Doe"

# After the engagement ends
aerostack workspace token revoke engineering --name "Contractor: Jane Doe"
