//! An extension that adds something to each request of a client.

use std::collections::BTreeMap;
use std::sync::Arc;

use etalon_component::{
    BoxError, BoxFuture, Caller, ClientAuthenticator, Code, Component, Context, Extension, Host, Metadata,
    Outcome,
};
use http::{HeaderMap, HeaderValue};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The header field that it sets, and the metadata that it reads.
const FIELD: &str = "x-tenant";

/// Sends the tenant of the batch along, and nothing for a batch without one.
struct Tenant {
    secret: bool,
}

impl ClientAuthenticator for Tenant {
    fn authorize(&self, context: &Context, headers: &mut HeaderMap) -> Result<(), Outcome> {
        let caller = context.caller.as_ref();
        let tenant = caller.and_then(|caller| caller.metadata.get_all(FIELD).next());
        let tenant = tenant.ok_or_else(|| Outcome::permanent(Code::InvalidArgument, "no tenant"))?;
        headers.insert(FIELD, HeaderValue::from_bytes(tenant).expect("it was a value before"));
        Ok(())
    }

    fn needs_encryption(&self) -> bool {
        self.secret
    }
}

impl Component for Tenant {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}

/// A host with the extensions `open` and `secret`, which set the header field `x-tenant`, the second only on
/// connections that are encrypted, and `nothing`, which is no authenticator.
pub fn host() -> Host {
    let offering = |secret| {
        let tenant = Arc::new(Tenant { secret });
        Extension::new(tenant.clone()).with_client_authenticator(tenant)
    };
    let id = |id: &str| id.parse().expect("a valid id");
    let extensions = BTreeMap::from([
        (id("open"), offering(false)),
        (id("secret"), offering(true)),
        (id("nothing"), Extension::new(Arc::new(Tenant { secret: false }))),
    ]);
    Host::new(mpsc::channel(1).0).with_extensions(extensions)
}

/// The sender of a batch of this tenant.
pub fn caller(tenant: &str) -> Arc<Caller> {
    let mut metadata = Metadata::default();
    metadata.push(FIELD, tenant.as_bytes());
    Arc::new(Caller { metadata, ..Caller::default() })
}
