//! What letters say. Each has a plain and an HTML part of the same words; neither loads anything.

use askama::Template;

use aerostack_core::invite::Invite;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;

/// A letter, before it has a sender and an address.
#[derive(Clone)]
pub struct Letter {
    /// One line.
    pub(super) subject: String,
    /// The plain part.
    pub(super) text: String,
    /// The HTML part.
    pub(super) html: String,
}

/// The words of a letter: what is asked, a link, what else is to be known.
#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Words<'a> {
    title: &'a str,
    lead: &'a str,
    action: &'a str,
    url: &'a str,
    notes: &'a [String],
}

impl Letter {
    /// Tells somebody that they are invited, and where to enter.
    #[must_use]
    pub fn invitation(invite: &Invite, url: &str, team: &Slug, workspace: Option<&Slug>) -> Self {
        let place = workspace.map_or_else(|| format!("@{team}"), |slug| format!("{slug} of @{team}"));
        let title = format!("You are invited to {place}");
        let lead = match workspace {
            None => format!("@{team} invites you to its team on Aerostack."),
            Some(slug) => format!("@{team} invites you to its workspace {slug} on Aerostack."),
        };
        let notes = [
            format!("The link works once, until {}.", invite.expires_at.minute()),
            "If you do not know who sent this, ignore it; nothing happens then.".to_owned(),
        ];
        Self::of(&Words { title: &title, lead: &lead, action: "Join", url, notes: &notes })
    }

    /// Gives the holder of an account a link that signs in.
    #[must_use]
    pub fn sign_in(username: &Slug, url: &str, expires_at: Timestamp) -> Self {
        let title = "Sign in to Aerostack";
        let lead = format!("Somebody, hopefully you, wants to sign in as {username}.");
        let notes = [
            format!("The link works once, until {}.", expires_at.minute()),
            "If it was not you, ignore it; nobody is signed in then.".to_owned(),
        ];
        Self::of(&Words { title, lead: &lead, action: "Sign in", url, notes: &notes })
    }

    fn of(words: &Words<'_>) -> Self {
        let notes = words.notes.join("\n");
        let text = format!("{}\n\n{}:\n{}\n\n{notes}\n", words.lead, words.action, words.url);
        let html = words.render().expect("a letter is plain text in a fixed frame");
        Self { subject: words.title.to_owned(), text, html }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_say_the_same_and_load_nothing() {
        let slug = Slug::parse("acme").unwrap();
        let letter = Letter::sign_in(&slug, "https://x.test/sign-in/sl_1?a&b", Timestamp::from_millis(0));
        assert_eq!(
            letter.text,
            "Somebody, hopefully you, wants to sign in as acme.\n\nSign in:\nhttps://x.test/sign-in/sl_1?a&b\n\n\
             The link works once, until 1970-01-01 00:00 UTC.\n\
             If it was not you, ignore it; nobody is signed in then.\n"
        );
        assert!(letter.html.contains("href=\"https://x.test/sign-in/sl_1?a&#38;b\""), "{}", letter.html);
        for loading in ["src=", "url(", "<link", "<script", "<img"] {
            assert!(!letter.html.contains(loading), "{loading}");
        }
    }
}
