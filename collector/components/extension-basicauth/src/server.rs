//! The side of the server: whom to let in.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use etalon_component::{AuthError, BoxError, BoxFuture, Component, Host, Identity, ServerAuthenticator};
use etalon_net::watched_file::WatchedFile;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::config::Htpasswd;
use crate::htpasswd::{Table, parse};

/// Passwords that are checked at once: a slow hash takes a processor for a tenth of a second.
const CHECKS_MAX: usize = 2;

/// Lets in whoever the table knows.
pub(crate) struct Server {
    users: Users,
    checks: Arc<Semaphore>,
}

enum Users {
    Fixed(Arc<Table>),
    File(WatchedFile<Table>),
}

/// What a client claims.
struct Claim {
    user: String,
    password: Vec<u8>,
    /// Both, as they came.
    raw: String,
}

impl Server {
    pub(crate) fn new(config: &Htpasswd) -> Result<Self, BoxError> {
        let inline = Arc::new(parse(config.inline.expose())?);
        let users = if config.file.is_empty() {
            Users::Fixed(inline)
        } else {
            Users::File(WatchedFile::new(&config.file, move |content| {
                let table = parse(std::str::from_utf8(content)?)?.overridden_by(&inline);
                if table.is_empty() { Err("it names no users".into()) } else { Ok(table) }
            }))
        };
        Ok(Self { users, checks: Arc::new(Semaphore::new(CHECKS_MAX)) })
    }

    fn table(&self) -> Result<Arc<Table>, AuthError> {
        match &self.users {
            Users::Fixed(table) => Ok(table.clone()),
            Users::File(file) => {
                file.current().ok_or_else(|| AuthError::Unavailable("the extension is not running".into()))
            }
        }
    }

    async fn judge(&self, headers: &HeaderMap) -> Result<Identity, AuthError> {
        let Claim { user, password, raw } = claim(headers)?;
        let table = self.table()?;
        let identity = Identity::default().with("username", user.clone()).with("raw", raw);
        if table.is_verified(&user, &password) {
            return Ok(identity);
        }
        let unavailable = |error: BoxError| AuthError::Unavailable(error);
        let turn = self.checks.clone().acquire_owned().await.map_err(|error| unavailable(error.into()))?;
        let check = tokio::task::spawn_blocking(move || {
            // It goes on when the client has left, and so does its turn.
            let _turn = turn;
            table.verify(&user, &password)
        });
        match check.await {
            Ok(true) => Ok(identity),
            Ok(false) => Err(AuthError::Rejected("invalid credentials")),
            Err(error) => Err(unavailable(error.into())),
        }
    }
}

impl ServerAuthenticator for Server {
    fn authenticate<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Identity, AuthError>> {
        Box::pin(self.judge(headers))
    }

    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static("Basic realm=\"etalon\", charset=\"UTF-8\"")
    }
}

fn claim(headers: &HeaderMap) -> Result<Claim, AuthError> {
    const FORMAT: AuthError = AuthError::Rejected("invalid authorization format");
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let Some(field) = fields.next().filter(|field| !field.is_empty()) else {
        return Err(AuthError::Rejected("no basic auth provided"));
    };
    if fields.next().is_some() {
        return Err(AuthError::Rejected("more than one authorization header"));
    }
    let (scheme, raw) = field.to_str().ok().and_then(|field| field.split_once(' ')).ok_or(FORMAT)?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return Err(AuthError::Rejected("invalid authorization scheme prefix"));
    }
    let raw = raw.trim();
    let decoded = BASE64_STANDARD.decode(raw).map_err(|_| FORMAT)?;
    let colon = decoded.iter().position(|byte| *byte == b':').ok_or(FORMAT)?;
    let user = std::str::from_utf8(&decoded[..colon]).map_err(|_| FORMAT)?.to_owned();
    Ok(Claim { user, password: decoded[colon + 1..].to_vec(), raw: raw.to_owned() })
}

impl Component for Server {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async {
            match &self.users {
                Users::Fixed(_) => Ok(()),
                Users::File(file) => Ok(file.start().await?),
            }
        })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async {
            if let Users::File(file) = &self.users {
                file.stop().await;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_client_that_leaves_does_not_make_room_for_another_check() {
        let one_thread =
            tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        let config = Htpasswd { inline: "ann:a".into(), ..Htpasswd::default() };
        let server = Server::new(&config).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Basic YW5uOmE=".parse().unwrap());
        one_thread.block_on(async {
            let (finish, finished) = mpsc::channel::<()>();
            let busy = tokio::task::spawn_blocking(move || finished.recv());
            tokio::select! {
                biased;
                _ = server.judge(&headers) => panic!("the only thread is busy"),
                () = std::future::ready(()) => {}
            }
            assert_eq!(server.checks.available_permits(), CHECKS_MAX - 1);
            drop(finish);
            assert!(busy.await.unwrap().is_err());
            assert!(server.judge(&headers).await.is_ok());
            assert_eq!(server.checks.available_permits(), CHECKS_MAX);
        });
    }
}
