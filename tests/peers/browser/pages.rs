//! Every page of the dashboard that is looked at. A page that is added is added to the table.

use aerostack_tests::chromium::Tab;

/// A page: its name, where it is, and what leads on from there to it.
pub(super) struct Page {
    /// How its pictures are called.
    pub(super) name: &'static str,
    /// Its address below the gateway's; what stands in braces is filled in.
    pub(super) place: &'static str,
    /// What is done there first.
    steps: &'static [Step],
    /// With what the last of it is refused.
    refused: Option<u16>,
}

enum Step {
    Presses(&'static str),
    Fills(&'static str, &'static str),
    Reads(&'static str),
}

use Step::{Fills, Presses, Reads};

const fn page(name: &'static str, place: &'static str) -> Page {
    Page { name, place, steps: &[], refused: None }
}

const fn after(name: &'static str, place: &'static str, steps: &'static [Step]) -> Page {
    Page { name, place, steps, refused: None }
}

/// Shown to whoever is not signed in.
pub(super) const OUTSIDE: &[Page] = &[
    page("sign-in", "/sign-in"),
    page("sign-in-link", "{sign-in}"),
    page("join", "{join}"),
    after(
        "joined",
        "{join}",
        &[Fills("Choose a username", "erin"), Presses("Join @acme"), Reads("You are in")],
    ),
];

/// Shown to the owner of a workspace that has some of everything.
pub(super) const WORKSPACE: &[Page] = &[
    page("overview", "/workspaces/engineering"),
    page("settings", "/workspaces/engineering/settings"),
    page("workspace-delete", "/workspaces/engineering/delete"),
    page("tokens", "/workspaces/engineering/tokens"),
    after("tokens-dialog", "/workspaces/engineering/tokens", &[Presses("New token"), Reads("Create token")]),
    page("token-new", "/workspaces/engineering/tokens/new"),
    Page {
        refused: Some(409),
        ..after(
            "token-refused",
            "/workspaces/engineering/tokens/new",
            &[Fills("Name", "Alice Chen"), Presses("Create token"), Reads("An active token named")],
        )
    },
    after(
        "token-made",
        "/workspaces/engineering/tokens/new",
        &[
            Fills("Name", "Grace"),
            Presses("Create token"),
            Reads("Save it now"),
            Presses("Claude Code .mcp.json of the project"),
        ],
    ),
    page("token-revoke", "/workspaces/engineering/tokens/{token}/revoke"),
    page("token-rotate", "/workspaces/engineering/tokens/{token}/rotate"),
    page("servers", "/workspaces/engineering/servers"),
    page("server", "/workspaces/engineering/servers/desk"),
    page("server-uninstall", "/workspaces/engineering/servers/desk/uninstall"),
    page("server-install", "/workspaces/engineering/servers/-/install"),
    page("server-add", "/workspaces/engineering/servers/-/add"),
    page("members", "/workspaces/engineering/members"),
    page("member-invite", "/workspaces/engineering/members/invite"),
    page("member-remove", "/workspaces/engineering/members/dave@example.com/remove"),
    page("secrets", "/workspaces/engineering/secrets"),
    page("secret-set", "/workspaces/engineering/secrets/set"),
    page("secret-delete", "/workspaces/engineering/secrets/vault/API_KEY/delete"),
    page("analytics", "/workspaces/engineering/analytics"),
    page("analytics-day", "/workspaces/engineering/analytics?period=24h&user=Alice+Chen"),
    page("analytics-none", "/workspaces/engineering/analytics?tool=desk__slow"),
    page("audit", "/workspaces/engineering/audit"),
    page("audit-verified", "/workspaces/engineering/audit/verify"),
];

/// Shown to the same about everything else.
pub(super) const INSIDE: &[Page] = &[
    page("workspaces", "/"),
    page("workspace-new", "/new-workspace"),
    page("catalogue", "/catalog"),
    page("catalogue-add", "/catalog/-/add"),
    page("catalogue-edit", "/catalog/desk/edit"),
    page("catalogue-delete", "/catalog/desk/delete"),
    page("skills", "/skills"),
    page("skill", "/skills/acme/deploy"),
    page("skill-install", "/skills/acme/deploy/install"),
    page("skill-visibility", "/skills/acme/deploy/visibility"),
    page("team", "/team"),
    page("team-invite", "/team/invite"),
    after(
        "invited",
        "/team/invite",
        &[Fills("E-mail", "frank@example.com"), Presses("Invite member"), Reads("is invited")],
    ),
    page("team-remove", "/team/bob@example.com/remove"),
    page("team-audit", "/team/audit"),
    page("account", "/account"),
    page("key-new", "/account/keys/new"),
    page("sessions-end", "/account/sessions/all/end"),
    Page { refused: Some(404), ..page("nothing-here", "/workspaces/nowhere") },
];

/// Shown to somebody who has nothing yet.
pub(super) const EMPTY: &[Page] = &[
    page("workspaces-empty", "/"),
    page("catalogue-empty", "/catalog"),
    page("skills-empty", "/skills"),
    page("team-empty", "/team"),
];

impl Page {
    /// Goes there.
    pub(super) async fn is_shown_in(&self, tab: &Tab, place: &str) {
        tab.opens(place).await;
        for step in self.steps {
            match step {
                Presses(said) => tab.presses(said).await,
                Fills(label, text) => tab.fills(label, text).await,
                Reads(text) => tab.reads(text).await,
            }
        }
    }

    /// What of the complaints was not to be expected: the browser tells of every page that is a refusal.
    pub(super) fn surprises(&self, complaints: Vec<String>) -> Vec<String> {
        let status = self.refused.unwrap_or_default();
        let told =
            format!("network: Failed to load resource: the server responded with a status of {status} ");
        complaints.into_iter().filter(|complaint| !complaint.starts_with(&told)).collect()
    }
}
