//! What a person does with servers: catalogue, installs, switches.

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::{Empty, Page, PageQuery};
use aerostack_core::api::secret::{DeleteSecretQuery, SetSecretRequest};
use aerostack_core::api::server::{
    AddServerRequest, InstallRequest, InstallView, InstalledReply, ToolView, UpdateInstallRequest,
};
use aerostack_core::secret::SecretValue;
use aerostack_core::server::{Auth, SessionMode};
use aerostack_core::slug::Slug;
use aerostack_core::stdio::StdioCommand;

use crate::person::{Person, Said};
use crate::upstream::Upstream;

impl Person {
    /// Adds a server to the catalogue.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn adds(&self, slug: &str, url: &str, session: SessionMode, timeout: Option<u64>) {
        let request = AddServerRequest {
            slug: Slug::parse(slug).expect("a slug"),
            url: Some(url.to_owned()),
            stdio: None,
            auth: Auth::None,
            session,
            timeout,
        };
        self.asks::<endpoint::AddServer>(&[], &request).await.expect("a server is added");
    }

    /// Adds a server that is sent secrets, and installs it into the workspace.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn installs_with(&self, slug: &str, upstream: &Upstream, auth: &str) -> InstalledReply {
        let request = AddServerRequest {
            slug: Slug::parse(slug).expect("a slug"),
            url: Some(upstream.url()),
            stdio: None,
            auth: auth.parse().expect("a way to authenticate"),
            session: SessionMode::default(),
            timeout: None,
        };
        self.asks::<endpoint::AddServer>(&[], &request).await.expect("a server is added");
        self.installs_known(slug, None).await.expect("a server is installed")
    }

    /// Adds a program to the catalogue.
    ///
    /// # Errors
    /// What the gateway says no with.
    pub async fn adds_program(&self, slug: &str, stdio: StdioCommand, session: SessionMode) -> Said<()> {
        let request = AddServerRequest {
            slug: Slug::parse(slug).expect("a slug"),
            url: None,
            stdio: Some(stdio),
            auth: Auth::None,
            session,
            timeout: None,
        };
        self.asks::<endpoint::AddServer>(&[], &request).await.map(|_| ())
    }

    /// What is installed in the workspace under this name.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn installed(&self, slug: &str) -> InstallView {
        let shown = self.asks::<endpoint::ShowInstall>(&[&self.workspace, slug], &Empty {}).await;
        shown.expect("an install is shown")
    }

    /// Sets a secret of an installed server.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn sets_secret(&self, name: &str, server: &str, value: &str) {
        let value = SecretValue::new(value.to_owned()).expect("a value");
        let request = SetSecretRequest { value, server: Some(Slug::parse(server).expect("a slug")) };
        let set = self.asks::<endpoint::SetSecret>(&[&self.workspace, name], &request).await;
        set.expect("a secret is set");
    }

    /// Deletes a secret of an installed server.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn deletes_secret(&self, name: &str, server: &str) {
        let query = DeleteSecretQuery { server: Some(Slug::parse(server).expect("a slug")) };
        let deleted = self.asks::<endpoint::DeleteSecret>(&[&self.workspace, name], &query).await;
        deleted.expect("a secret is deleted");
    }

    /// Adds a server to the catalogue and installs it into the workspace.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn installs(&self, slug: &str, upstream: &Upstream) -> InstalledReply {
        self.adds(slug, &upstream.url(), SessionMode::default(), None).await;
        self.installs_known(slug, None).await.expect("a server is installed")
    }

    /// Installs a server of the catalogue.
    ///
    /// # Errors
    /// What the gateway says no with.
    pub async fn installs_known(&self, slug: &str, alias: Option<&str>) -> Said<InstalledReply> {
        let alias = alias.map(|alias| Slug::parse(alias).expect("a slug"));
        let request = InstallRequest { server: slug.to_owned(), alias };
        self.asks::<endpoint::InstallServer>(&[&self.workspace], &request).await
    }

    /// Removes a server from the workspace.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn uninstalls(&self, slug: &str) {
        let done = self.asks::<endpoint::UninstallServer>(&[&self.workspace, slug], &Empty {}).await;
        done.expect("a server is removed");
    }

    /// Switches a server, or one tool of it, on or off.
    ///
    /// # Errors
    /// What the gateway says no with.
    pub async fn switches(&self, slug: &str, tool: Option<&str>, enabled: bool) -> Said<InstallView> {
        let request = UpdateInstallRequest { enabled, tool: tool.map(str::to_owned) };
        self.asks::<endpoint::UpdateInstall>(&[&self.workspace, slug], &request).await
    }

    /// The workspace's tools with their names.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn tools(&self) -> Page<ToolView> {
        let query = PageQuery { limit: Some(1_000), cursor: None };
        self.asks::<endpoint::ListTools>(&[&self.workspace], &query).await.expect("tools are listed")
    }
}
