//! The settings of one run, resolved: gateway, key, workspace, and the streams that go with them.
//!
//! Address and key: flag, then environment, then the files of `login`, then this machine's default.
//! An invitation's link names a gateway, too: it goes after flag and environment.
//! Workspace: argument or flag, then the active one, then the only one, else an error that lists them.
//! Team, for catalogue, skills and people: flag, then the owner of the named or active workspace if one
//! may manage there, else oneself.

mod meant;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::{Endpoint, Needs, Operation, endpoint};
use aerostack_core::api::page::{Empty, Page, PageQuery};
use aerostack_core::api::workspace::WorkspaceView;
use aerostack_core::slug::Slug;
use aerostack_core::suggest;
use aerostack_core::time::Timestamp;
use secrecy::SecretString;

use crate::api_url::ApiUrl;
use crate::args::cli::Globals;
use crate::client::Client;
use crate::failure::{Failure, Outcome};
use crate::input::Input;
use crate::output::Output;
use crate::profile::{Gateway, Profile, Store};
use crate::world::UrlOpener;
use meant::{choose, follows_the_workspace};

pub(crate) use meant::team_of;

/// The gateway when nothing else is said.
pub(crate) const DEFAULT_API_URL: &str = "http://127.0.0.1:8787";
/// Names the gateway.
pub(crate) const API_URL_VARIABLE: &str = "AEROSTACK_API_URL";
/// Holds the account key.
pub(crate) const API_KEY_VARIABLE: &str = "AEROSTACK_API_KEY";

/// One run.
pub(crate) struct Context<'w> {
    /// Where everything is printed.
    pub(crate) output: Output<'w>,
    /// Where keys and answers come from.
    pub(crate) input: Input<'w>,
    /// The gateway.
    pub(crate) api_url: ApiUrl,
    /// What login and `workspace use` left behind.
    pub(crate) profile: Profile,
    /// Where that is kept.
    pub(crate) store: Store,
    /// When the run began.
    pub(crate) now: Timestamp,
    is_api_url_given: bool,
    key_flag: Option<String>,
    key_variable: Option<String>,
    workspace_flag: Option<Slug>,
    team_flag: Option<Slug>,
    workspace_used: Option<Slug>,
    folder: Option<PathBuf>,
    client: Option<Client>,
    open_url: &'w mut UrlOpener,
}

impl<'w> Context<'w> {
    /// Resolves what can be known without asking anybody.
    ///
    /// # Errors
    /// An address that is none, or a profile that cannot be read; the output comes back to tell it.
    pub(crate) fn new(
        globals: Globals,
        environment: &BTreeMap<String, String>,
        config_dir: Option<&Path>,
        (mut output, input, open_url): (Output<'w>, Input<'w>, &'w mut UrlOpener),
        now: Timestamp,
    ) -> Result<Self, Box<(Output<'w>, Failure)>> {
        if globals.quiet {
            output.be_quiet();
        }
        let variable = |name: &str| {
            environment.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let key_variable = variable(API_KEY_VARIABLE);
        key_variable.iter().for_each(|key| output.hide(key));
        let store = Store::new(config_dir);
        let loaded = store.load().and_then(|profile| {
            let given = globals.api_url.or_else(|| variable(API_URL_VARIABLE));
            let is_given = given.is_some();
            let named = given.or_else(|| profile.api_url.clone());
            let api_url = ApiUrl::parse(named.as_deref().unwrap_or(DEFAULT_API_URL))?;
            Ok((profile, api_url, is_given))
        });
        let (profile, api_url, is_api_url_given) = match loaded {
            Ok(loaded) => loaded,
            Err(failure) => return Err(Box::new((output, failure))),
        };
        Ok(Self {
            output,
            input,
            api_url,
            profile,
            store,
            now,
            is_api_url_given,
            key_flag: globals.api_key,
            key_variable,
            workspace_flag: globals.workspace,
            team_flag: globals.team,
            workspace_used: None,
            folder: None,
            client: None,
            open_url,
        })
    }

    /// Tells in which folder the command is run.
    pub(crate) fn set_folder(&mut self, folder: Option<PathBuf>) {
        self.folder = folder;
    }

    /// The folder the command is run in.
    ///
    /// # Errors
    /// When it is gone.
    pub(crate) fn folder(&self) -> Outcome<PathBuf> {
        self.folder.clone().ok_or_else(|| Failure::failed("the current folder is gone"))
    }

    /// Goes to the gateway that a link names, unless flag or environment name one.
    ///
    /// A key of the environment was not given for that gateway, so it is not sent there: whoever makes a
    /// link chooses where it leads.
    pub(crate) fn follow(&mut self, url: ApiUrl) {
        if self.is_api_url_given || url == self.api_url {
            return;
        }
        self.api_url = url;
        self.key_variable = None;
    }

    /// What is known of the gateway from earlier runs.
    pub(crate) fn gateway(&self) -> Option<&Gateway> {
        self.profile.gateways.get(self.api_url.as_str())
    }

    /// Changes what is known of the gateway, and saves it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn remember(&mut self, change: impl FnOnce(&mut Gateway)) -> Outcome {
        let entry = self.profile.gateways.entry(self.api_url.as_str().to_owned()).or_default();
        change(entry);
        self.profile.gateways.retain(|_, gateway| *gateway != Gateway::default());
        self.store.save(&self.profile)
    }

    /// The key of flag or environment; a flag that holds one is warned about.
    ///
    /// # Errors
    /// When `-` was given and nothing could be read.
    pub(crate) fn given_key(&mut self) -> Outcome<Option<String>> {
        let Some(flag) = self.key_flag.clone() else {
            return Ok(self.key_variable.clone());
        };
        let key = if flag == "-" {
            self.input.line("the account key")?
        } else {
            self.output.warn(
                "a key on the command line can be read by others on this machine: pipe it to `--api-key -`",
            );
            flag
        };
        self.output.hide(&key);
        // Standard input can be read once; what came from it stands for the rest of the run.
        self.key_flag = None;
        self.key_variable = Some(key.clone());
        Ok(Some(key))
    }

    /// Whether a key is set in the environment, which goes before the files of login.
    pub(crate) const fn has_key_variable(&self) -> bool {
        self.key_variable.is_some()
    }

    /// Sends one request, signed in.
    ///
    /// # Errors
    /// Those of the client, and a missing login.
    pub(crate) async fn call<E: Endpoint>(
        &mut self,
        parameters: &[&str],
        request: &E::Request,
    ) -> Outcome<E::Reply> {
        let team = self.team_for(E::OPERATION).await?;
        self.client()?.call::<E>(parameters, team.as_ref(), request).await
    }

    /// Sends one request that nobody has to be signed in for, without the key.
    ///
    /// # Errors
    /// Those of the client.
    pub(crate) async fn call_open<E: Endpoint>(
        &mut self,
        parameters: &[&str],
        request: &E::Request,
    ) -> Outcome<E::Reply> {
        let client = Client::new(self.api_url.clone(), None)?;
        client.call::<E>(parameters, None, request).await
    }

    /// Asks the desktop to open an address; tells whether there is one that was asked.
    pub(crate) fn opens(&mut self, url: &str) -> bool {
        (self.open_url)(url)
    }

    /// Sends one request with a workspace token in place of the account key.
    ///
    /// # Errors
    /// Those of the client.
    pub(crate) async fn call_with_token<E: Endpoint>(
        &mut self,
        token: String,
        request: &E::Request,
    ) -> Outcome<E::Reply> {
        let client = Client::new(self.api_url.clone(), Some(SecretString::from(token)))?;
        client.call::<E>(&[], None, request).await
    }

    /// A credential of a flag, or of standard input where the flag is `-`.
    ///
    /// # Errors
    /// When nothing could be read.
    pub(crate) fn credential(&mut self, flag: String, what: &str) -> Outcome<String> {
        let credential = if flag == "-" {
            self.input.line(what)?
        } else {
            self.output.warn(&format!(
                "{what} on the command line can be read by others on this machine: pipe it to `-`"
            ));
            flag
        };
        self.output.hide(&credential);
        Ok(credential)
    }

    /// Prints what an operation answers, as it comes, and shows on a terminal how far it is, of `lines` if
    /// that is known.
    ///
    /// # Errors
    /// Those of the client, and an output that is closed.
    pub(crate) async fn download<E: Endpoint>(
        &mut self,
        parameters: &[&str],
        request: &E::Request,
        lines: Option<u64>,
    ) -> Outcome {
        let team = self.team_for(E::OPERATION).await?;
        self.client()?;
        let Some(client) = &self.client else { return Ok(()) };
        let mut download = client.download::<E>(parameters, team.as_ref(), request).await?;
        let progress = self.output.progress(lines);
        while let Some(piece) = download.next(client).await? {
            self.output.piece(&piece)?;
            progress.advance(&piece);
        }
        Ok(())
    }

    /// All pages of a list, put together.
    ///
    /// # Errors
    /// Those of the client, and a missing login.
    pub(crate) async fn list<E, T>(&mut self, parameters: &[&str]) -> Outcome<Page<T>>
    where
        E: Endpoint<Request = PageQuery, Reply = Page<T>>,
    {
        let team = self.team_for(E::OPERATION).await?;
        self.client()?.list::<E, T>(parameters, team.as_ref()).await
    }

    /// The team that a request of this operation names.
    ///
    /// # Errors
    /// When the named workspace cannot be looked up.
    pub(crate) async fn team_for(&mut self, operation: Operation) -> Outcome<Option<Slug>> {
        if matches!(operation.needs(), Needs::Nobody | Needs::Nothing | Needs::Installation) {
            return Ok(None);
        }
        if self.team_flag.is_some() || !follows_the_workspace(operation) {
            return Ok(self.team_flag.clone());
        }
        let Some(named) = self.workspace_flag.clone() else {
            return Ok(self.gateway().and_then(|gateway| gateway.team.clone()));
        };
        let workspace =
            self.client()?.call::<endpoint::ShowWorkspace>(&[named.as_str()], None, &Empty {}).await?;
        Ok(team_of(&workspace))
    }

    /// The signed-in client, made once.
    ///
    /// # Errors
    /// When nobody is logged in to this gateway.
    pub(crate) fn client(&mut self) -> Outcome<&Client> {
        if self.client.is_none() {
            let key = match self.given_key()? {
                Some(key) => key,
                None => self.kept_key()?,
            };
            self.output.hide(&key);
            self.client = Some(Client::new(self.api_url.clone(), Some(SecretString::from(key)))?);
        }
        Ok(self.client.as_ref().expect("it was made above"))
    }

    /// The key of the login, with a warning if others can read it.
    fn kept_key(&mut self) -> Outcome<String> {
        let Some(key) = self.gateway().and_then(|gateway| gateway.key.clone()) else {
            return Err(self.not_logged_in());
        };
        if let Some(path) = self.store.open_to_others() {
            let path = path.display();
            self.output.warn(&format!("others on this machine can get at {path}: chmod go-rwx '{path}'"));
        }
        Ok(key)
    }

    fn not_logged_in(&self) -> Failure {
        let url = self.api_url.as_str();
        Failure::failed(format!("not logged in to {url}"))
            .with_hint(format!("run `aerostack login --api-url {url}`, or set {API_KEY_VARIABLE}"))
    }

    /// The workspace that is meant.
    ///
    /// # Errors
    /// When argument and flag differ, or when none is named and several or none exist.
    pub(crate) async fn workspace(&mut self, argument: Option<Slug>) -> Outcome<Slug> {
        if let (Some(argument), Some(flag)) = (&argument, &self.workspace_flag)
            && argument != flag
        {
            return Err(Failure::usage(format!("two workspaces are named: '{argument}' and '{flag}'")));
        }
        let named = argument
            .or_else(|| self.workspace_flag.clone())
            .or_else(|| self.gateway().and_then(|gateway| gateway.workspace.clone()));
        if let Some(slug) = named {
            self.workspace_used = Some(slug.clone());
            return Ok(slug);
        }
        choose(&self.workspaces().await?.items)
    }

    /// All workspaces of the account.
    ///
    /// # Errors
    /// Those of the client.
    pub(crate) async fn workspaces(&mut self) -> Outcome<Page<WorkspaceView>> {
        self.list::<endpoint::ListWorkspaces, _>(&[]).await
    }

    /// The failure, with the closest workspaces as a hint if the named one is none of the account's.
    pub(crate) async fn with_suggestion(&mut self, failure: Failure) -> Failure {
        let Some(wanted) = self.workspace_used.clone() else {
            return failure;
        };
        if failure.code() != Some(ErrorCode::NotFound) || failure.hint().is_some() {
            return failure;
        }
        // A list that cannot be had now only means that there is no hint.
        let Ok(page) = self.workspaces().await else {
            return failure;
        };
        let known: Vec<&str> = page.items.iter().map(|workspace| workspace.slug.as_str()).collect();
        if known.contains(&wanted.as_str()) {
            return failure;
        }
        let close = suggest::hint(wanted.as_str(), known);
        failure.with_hint(
            close.unwrap_or_else(|| "`aerostack workspace list` shows the workspaces there are".to_owned()),
        )
    }
}
