//! What users write.

use etalon_conf::{Check, Optional, Secret, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::htpasswd;

/// Configuration of a `basicauth` extension.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// For a server: whom to let in.
    pub htpasswd: Optional<Htpasswd>,
    /// For a client: how to be let in.
    pub client_auth: Optional<ClientAuth>,
}

/// Users and their passwords, as the program `htpasswd` writes them. At least one of the two must be there.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Htpasswd {
    /// A file with a line `user:password` for each user, as the program `htpasswd` writes it. It is read again when it
    /// changes.
    pub file: String,
    /// The same lines as text. They win over `file` where both name a user.
    pub inline: Secret,
}

/// One user.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ClientAuth {
    /// The user's name, without a colon.
    pub username: String,
    /// A file that holds the name. It wins over `username`, and is read again when it changes.
    pub username_file: String,
    /// The password.
    pub password: Secret,
    /// A file that holds the password. It wins over `password`, and is read again when it changes.
    pub password_file: String,
}

impl Validate for Config {
    fn validate(&self, check: &mut Check) {
        match (self.htpasswd.is_on(), self.client_auth.is_on()) {
            (true, true) => check.error("only one of `htpasswd` or `client_auth` can be specified"),
            (false, false) => check.error("no credential source provided"),
            _ => {}
        }
        check.field("htpasswd", &self.htpasswd);
        check.field("client_auth", &self.client_auth);
    }
}

impl Validate for Htpasswd {
    fn validate(&self, check: &mut Check) {
        if self.file.is_empty() && self.inline.is_empty() {
            check.error("no credential source provided");
        }
        if let Err(error) = htpasswd::parse(self.inline.expose()) {
            check.at("inline", |check| check.error(error.to_string()));
        }
    }
}

impl Validate for ClientAuth {
    fn validate(&self, check: &mut Check) {
        if self.username_file.is_empty() && self.username.contains(':') {
            check.at("username", |check| check.error("invalid authorization format: it has a colon"));
        }
    }
}
