//! Where what a caller asks for leads: one decision for listing something and for asking for it.

use std::borrow::Cow;

use aerostack_core::id::InstallId;
use aerostack_core::resource;
use aerostack_core::tool::SEPARATOR;

use super::offering::{CountedTool, ToolEntry};
use super::{Snapshot, SnapshotInstall};
use crate::definition::Kind;

/// Templates that begin like a URI and are tried for it; further ones match nothing.
const TEMPLATES_TRIED: usize = 16;

/// What a caller asks for, by what it is exposed as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A tool by its name.
    Tool(String),
    /// A prompt by its name.
    Prompt(String),
    /// A resource by its URI, listed or not.
    Resource(String),
    /// A resource template, or else a resource.
    Template(String),
    /// A task of a server.
    Task(OwnTask),
    /// A page of a server's tasks.
    Tasks(OwnTask),
}

/// A task, or a page of tasks, as its server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTask {
    /// The server's install.
    pub install: InstallId,
    /// The server's own id, or its cursor; empty for the first page.
    pub own: String,
}

impl Subject {
    /// Whether it is a tool, which may be switched off alone.
    #[must_use]
    pub const fn is_tool(&self) -> bool {
        matches!(self, Self::Tool(_))
    }
}

/// Where a request goes.
pub struct Route<'a> {
    /// The installed server.
    pub install: &'a SnapshotInstall,
    /// The server's own name or URI of what is asked for.
    pub own: Cow<'a, str>,
    /// The tool's entry, if it is one and its server's list is known.
    pub tool: Option<&'a ToolEntry>,
}

impl Route<'_> {
    /// What a call of it is counted as.
    #[must_use]
    pub fn counted(&self) -> &std::sync::Arc<CountedTool> {
        self.tool.map_or(&self.install.counted, |tool| &tool.counted)
    }
}

impl Snapshot {
    /// Finds where a request leads; `None` for what is unknown and what is switched off alike.
    #[must_use]
    pub fn route(&self, subject: &Subject) -> Option<Route<'_>> {
        match subject {
            Subject::Tool(exposed) => self.tool(exposed),
            Subject::Prompt(exposed) => match self.offering.find_item(Kind::Prompt, exposed) {
                Some(_) => self.item(Kind::Prompt, exposed),
                None => self.unlisted(exposed, |install, _| install.install.is_active()),
            },
            Subject::Resource(uri) => self.resource(uri),
            Subject::Template(exposed) => match self.offering.find_item(Kind::Template, exposed) {
                Some(_) => self.item(Kind::Template, exposed),
                None => self.resource(exposed),
            },
            Subject::Task(OwnTask { install, own }) | Subject::Tasks(OwnTask { install, own }) => {
                let install = self.install(install).filter(|install| install.install.is_active())?;
                Some(Route { install, own: own.clone().into(), tool: None })
            }
        }
    }

    fn tool(&self, exposed: &str) -> Option<Route<'_>> {
        if let Some(entry) = self.offering.find(exposed) {
            let (install, own) = (&self.installs[entry.install], entry.definition.name.as_str());
            return entry.enabled.then_some(Route { install, own: own.into(), tool: Some(entry) });
        }
        self.unlisted(exposed, |install, tool| install.install.offers(tool))
    }

    fn item(&self, kind: Kind, exposed: &str) -> Option<Route<'_>> {
        let entry = self.offering.find_item(kind, exposed).filter(|entry| entry.enabled)?;
        Some(Route {
            install: &self.installs[entry.install],
            own: entry.item.own.as_str().into(),
            tool: None,
        })
    }

    /// A server whose lists are not known yet may still be asked, by its prefix.
    fn unlisted(&self, exposed: &str, may: impl Fn(&SnapshotInstall, &str) -> bool) -> Option<Route<'_>> {
        let (slug, own) = exposed.split_once(SEPARATOR)?;
        let install = self.installs.iter().find(|install| install.install.slug.as_str() == slug)?;
        let may_be_asked = !install.is_listed() && may(install, own);
        may_be_asked.then(|| Route { install, own: own.to_owned().into(), tool: None })
    }

    /// A listed resource; one whose URI says whose it is; one made from a template; one of the only
    /// server that has any. What is a switched-off server's leads nowhere, not to somebody else's.
    fn resource(&self, uri: &str) -> Option<Route<'_>> {
        if self.offering.find_item(Kind::Resource, uri).is_some() {
            return self.item(Kind::Resource, uri);
        }
        if let Some((slug, own)) = resource::split(uri) {
            let named = |install: &&SnapshotInstall| install.install.slug.as_str() == slug;
            let install = self.readable().find(named)?;
            return Some(Route { install, own: own.to_owned().into(), tool: None });
        }
        let install = match self.by_template(uri) {
            Some(install) => Some(install).filter(|install| install.may_have_resources())?,
            None => {
                let mut readable = self.readable();
                readable.next().filter(|_| readable.next().is_none())?
            }
        };
        Some(Route { install, own: uri.to_owned().into(), tool: None })
    }

    /// Whose template a URI may be made from, switched on or not.
    fn by_template(&self, uri: &str) -> Option<&SnapshotInstall> {
        let listed = self.offering.items(Kind::Template).iter();
        let templates = listed.filter_map(|entry| Some((entry.install, entry.item.template.as_ref()?)));
        let mut tried = templates.filter(|(_, form)| form.begins_like(uri)).take(TEMPLATES_TRIED);
        let (install, _) = tried.find(|(_, form)| form.matches(uri))?;
        Some(&self.installs[install])
    }

    /// The installs that resources may be read from.
    fn readable(&self) -> impl Iterator<Item = &SnapshotInstall> {
        self.installs.iter().filter(|install| install.may_have_resources())
    }

    /// Whether any server lists a resource under this URI, switched on or not.
    #[must_use]
    pub fn lists_resource(&self, uri: &str) -> bool {
        self.offering.find_item(Kind::Resource, uri).is_some()
    }

    /// Whether URIs of this server may lead elsewhere: it has resources, and is not the only one, even if
    /// it is the only one that is switched on.
    #[must_use]
    pub fn may_lead_elsewhere(&self, install: &SnapshotInstall) -> bool {
        let has_any = |other: &&SnapshotInstall| {
            other.offers.as_ref().is_none_or(|offers| offers.capabilities.resources)
        };
        install.may_have_resources() && self.installs.iter().filter(has_any).nth(1).is_some()
    }

    /// What a URI that a server has written must become so that it leads back there; `None` where it does.
    #[must_use]
    pub fn uri_leading_back(&self, install: &SnapshotInstall, uri: &str) -> Option<String> {
        let id = &install.install.id;
        let leads_back =
            self.resource(uri).is_some_and(|route| route.install.install.id == *id && route.own == uri);
        (!leads_back).then(|| resource::prefixed(install.install.slug.as_str(), uri))
    }
}
