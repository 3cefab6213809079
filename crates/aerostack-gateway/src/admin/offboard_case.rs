//! What there is of a person in one team: read for an offboarding, and told as its report.

use aerostack_core::account::{Account, Email};
use aerostack_core::api::offboard::{
    OffboardReport, OffboardedInvite, OffboardedMembership, OffboardedToken, OffboardedWorkspace,
    WorkspaceSeats,
};
use aerostack_core::invite::{Invite, InviteStatus};
use aerostack_core::member::Membership;
use aerostack_core::offboard::{
    OffboardPlan, Person, Subject, Target, TeamToken, identify, plan, seats_after, unknown_person,
};
use aerostack_core::time::Timestamp;

use super::call::Call;
use super::error::ApiError;
use crate::store::workspace_member::TeamPlace;
use crate::store::{self, Tx};

/// Whether what is found is ended, or only shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is ended.
    Carry,
    /// It is shown.
    DryRun,
}

/// An offboarding, read and decided.
pub(super) struct Case {
    /// The team.
    pub(super) team: Account,
    /// Who is meant.
    pub(super) subject: Subject,
    /// What the team knows of them beside tokens.
    pub(super) person: Person,
    /// Their place in the team.
    pub(super) membership: Option<Membership>,
    /// Their places in single workspaces.
    pub(super) places: Vec<TeamPlace>,
    /// Invitations of their address that wait.
    pub(super) invites: Vec<Invite>,
    /// What ends of the team's tokens.
    pub(super) plan: OffboardPlan,
}

impl Case {
    /// Reads all there is and decides.
    pub(super) async fn read(
        tx: &mut Tx,
        team: Account,
        target: Target,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let subject = read_subject(tx, &team, target, now).await?;
        let Subject::Person(email) = &subject else {
            let tokens = store::team_token::list(tx, &team.id, Some(subject.name()), None, now).await?;
            let (person, places, invites) = (Person::default(), Vec::new(), Vec::new());
            let plan = plan(&subject, &person, &tokens, now);
            return Ok(Self { team, subject, person, membership: None, places, invites, plan });
        };
        let tokens = store::team_token::list(tx, &team.id, None, Some(email), now).await?;
        let account = store::account::find_by_email(tx, email).await?;
        let (mut membership, mut places) = (None, Vec::new());
        if let Some(account) = &account {
            membership = store::member::find(tx, &team.id, &account.id).await?;
            places = store::workspace_member::in_team(tx, &team.id, &account.id).await?;
        }
        let invites = waiting_invites(tx, &team, email, now).await?;
        let to_team = invites.iter().filter(|invite| invite.workspace.is_none());
        let person = Person {
            account,
            role: membership.as_ref().map(|membership| membership.role),
            invited_as: to_team.map(|invite| invite.role).max(),
        };
        let plan = plan(&subject, &person, &tokens, now);
        Ok(Self { team, subject, person, membership, places, invites, plan })
    }

    /// Refuses an address that has nothing of the team and never had. What it has elsewhere on this
    /// gateway is nobody's business here, so it is not looked at.
    pub(super) async fn refuse_unknown(&self, tx: &mut Tx, now: Timestamp) -> Result<(), ApiError> {
        let Subject::Person(email) = &self.subject else { return Ok(()) };
        if !self.is_empty() || store::person::is_known(tx, &self.team.id, email).await? {
            return Ok(());
        }
        let addresses = store::person::addresses(tx, &self.team.id, now).await?;
        Err(unknown_person(email.clone(), &addresses, &self.plan).into())
    }

    fn is_empty(&self) -> bool {
        self.plan.tokens.is_empty()
            && self.membership.is_none()
            && self.places.is_empty()
            && self.invites.is_empty()
    }

    /// Tells it. The seats are those that will be free, read before anything ends.
    pub(super) async fn report(
        &self,
        call: &Call,
        tx: &mut Tx,
        mode: Mode,
        now: Timestamp,
    ) -> Result<OffboardReport, ApiError> {
        let (person, token_name) = match &self.subject {
            Subject::Person(email) => (Some(email.clone()), None),
            Subject::Tokens(name) => (None, Some(name.clone())),
        };
        let mut invitations = Vec::with_capacity(self.invites.len());
        for invite in &self.invites {
            let workspace = match &invite.workspace {
                Some(id) => store::workspace::find_by_id(tx, id).await?.map(|workspace| workspace.slug),
                None => None,
            };
            invitations.push(OffboardedInvite { workspace, created_at: invite.created_at });
        }
        Ok(OffboardReport {
            team: self.team.username.clone(),
            person,
            token_name,
            dry_run: mode == Mode::DryRun,
            nothing_to_do: self.is_empty(),
            tokens: self.plan.tokens.iter().map(view).collect(),
            team_membership: self.membership.as_ref().map(|membership| OffboardedMembership {
                role: membership.role,
                joined_at: membership.joined_at,
            }),
            workspace_memberships: self.places.iter().map(place_view).collect(),
            invitations,
            not_touched: self.plan.look_alikes.iter().map(view).collect(),
            not_touched_unshown: u32::try_from(self.plan.look_alikes_unshown).unwrap_or(u32::MAX),
            seats: self.seats(call, tx, now).await?,
        })
    }

    async fn seats(&self, call: &Call, tx: &mut Tx, now: Timestamp) -> Result<Vec<WorkspaceSeats>, ApiError> {
        let mut seats = Vec::new();
        for (slug, freed) in self.plan.freed() {
            let Some(workspace) = store::workspace::find_by_slug(tx, slug).await? else { continue };
            let before = call.seats_of(tx, &workspace, now).await?;
            seats.push(WorkspaceSeats { workspace: workspace.slug, seats: seats_after(before, freed) });
        }
        Ok(seats)
    }
}

async fn read_subject(
    tx: &mut Tx,
    team: &Account,
    target: Target,
    now: Timestamp,
) -> Result<Subject, ApiError> {
    let (mut tokens, mut addresses) = (Vec::new(), Vec::new());
    if let Target::Name(name) = &target {
        tokens = store::team_token::list(tx, &team.id, Some(name), None, now).await?;
        addresses = store::person::addresses(tx, &team.id, now).await?;
    }
    Ok(identify(target, &tokens, &addresses, now)?)
}

/// Invitations to deleted workspaces lead nowhere.
async fn waiting_invites(
    tx: &mut Tx,
    team: &Account,
    email: &Email,
    now: Timestamp,
) -> Result<Vec<Invite>, ApiError> {
    let mut waiting = Vec::new();
    for invite in store::invite::list_open_of(tx, &team.id, email).await? {
        let leads_somewhere = match &invite.workspace {
            Some(id) => {
                let workspace = store::workspace::find_by_id(tx, id).await?;
                workspace.is_some_and(|workspace| workspace.deleted_at.is_none())
            }
            None => true,
        };
        if leads_somewhere && invite.status(now) == InviteStatus::Waiting {
            waiting.push(invite);
        }
    }
    Ok(waiting)
}

fn view(held: &TeamToken) -> OffboardedToken {
    OffboardedToken {
        id: held.token.id.clone(),
        name: held.token.name.clone(),
        workspace: held.workspace.clone(),
        person: held.token.person.clone(),
    }
}

fn place_view(place: &TeamPlace) -> OffboardedWorkspace {
    OffboardedWorkspace { workspace: place.slug.clone(), joined_at: place.membership.joined_at }
}
