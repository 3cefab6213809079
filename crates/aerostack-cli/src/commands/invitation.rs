//! What became of an invitation, into a team or a workspace: never that it was mailed when it was not.

use aerostack_core::account::Email;
use aerostack_core::api::team::Delivery;
use aerostack_core::invite::sent_line;

use crate::context::Context;
use crate::failure::Outcome;

/// An invitation that was made.
pub(super) struct Sent<'a> {
    /// Whom.
    pub(super) email: &'a Email,
    /// How the link found its way.
    pub(super) delivery: Delivery,
    /// Whether another link is dead now.
    pub(super) replaced: bool,
    /// The link, where it was not mailed.
    pub(super) link: Option<&'a str>,
    /// Why it was not mailed.
    pub(super) failure: Option<&'a str>,
}

/// Tells it; the link alone goes to standard output.
pub(super) fn tell(context: &mut Context<'_>, sent: &Sent<'_>) -> Outcome {
    match sent.delivery {
        Delivery::Mailed => context.output.done(&sent_line(sent.email)),
        Delivery::NotConfigured => {
            context.output.done(&format!("Invitation of {} made.", sent.email));
            context.output.talk("No mail server is configured: nothing was sent. Hand over this link:");
        }
        Delivery::Failed => {
            context.output.done(&format!("Invitation of {} made.", sent.email));
            let why = sent.failure.unwrap_or("the mail could not be sent");
            context.output.warn(&format!("the mail was not sent: {why}. Hand over this link:"));
        }
    }
    if sent.replaced {
        context.output.talk("The link of the invitation before is dead.");
    }
    match sent.link {
        Some(link) => context.output.line(link),
        None => Ok(()),
    }
}
