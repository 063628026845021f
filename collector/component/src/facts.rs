//! What a component says about itself before it runs, so that a whole configuration can be explained: what is lost in
//! which failure, how much memory and disk it can use, and what is unwise.

use std::net::IpAddr;
use std::time::Duration;

use crate::{ComponentId, Storage};

/// What one component does, as its configuration says. The default is a component that passes on what it gets, holds
/// nothing, and talks to nobody.
///
/// A factory states them with [`Factory::with_facts`](crate::Factory::with_facts). A component that is of interest in
/// none of these ways need not state any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Where it listens.
    pub listeners: Vec<Listener>,
    /// Where it sends to.
    pub destination: Option<Destination>,
    /// When it says that it has taken data over.
    pub acknowledges: Acknowledges,
    /// How it reaches its destination.
    pub delivers: Option<Delivers>,
    /// Where it keeps the queues of others.
    pub storage: Option<Storage>,
    /// Whether it refuses data before there is too much of it in memory.
    pub memory_limit: Option<MemoryLimit>,
    /// What it holds in memory beside what is said elsewhere here.
    pub holds: Vec<Holding>,
    /// What it is good for.
    pub purpose: Purpose,
}

/// When a component says that it has taken data over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Acknowledges {
    /// When what is behind it has: the next component, or the destination.
    #[default]
    Behind,
    /// When it is on stable storage.
    OnStableStorage,
    /// When it is in the memory of the process.
    InMemory,
}

/// What a component is good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// To run.
    #[default]
    Production,
    /// To look at data. It keeps nothing.
    Looking,
    /// To throw data away.
    Discarding,
}

/// How far away a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// This machine.
    Local,
    /// One address of a network.
    Remote,
    /// Every address of this machine.
    Everywhere,
}

/// A server of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The key of its section within the configuration of the component: `protocols::grpc`.
    pub key: String,
    /// The address, as written.
    pub endpoint: String,
    /// From where it can be reached.
    pub reach: Reach,
    /// Whether it speaks TLS.
    pub is_encrypted: bool,
    /// Whether senders must say who they are.
    pub is_authenticated: bool,
    /// The extensions that are its middlewares.
    pub middlewares: Vec<ComponentId>,
    /// What it takes in; nothing for a server that takes no data.
    pub intake: Option<Intake>,
}

/// What a server holds at most of what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intake {
    /// Connections at once.
    pub connections: u64,
    /// Requests in progress on each.
    pub requests: u64,
    /// Bytes of each request, decompressed.
    pub request_bytes: u64,
}

/// The place that a component sends to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Without user and password.
    pub endpoint: String,
    /// How far away it is.
    pub reach: Reach,
    /// Whether it is spoken to over TLS.
    pub is_encrypted: bool,
    /// Whether its certificate is verified, when it is.
    pub is_verified: bool,
    /// Requests at once at most, on their way or waiting for a connection.
    pub calls: u64,
}

/// How an exporter reaches its destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivers {
    /// The queue in front.
    pub queue: Option<Queue>,
    /// Of one attempt; nothing is without limit.
    pub timeout: Option<Duration>,
    /// Attempts after the first; nothing when there are none.
    pub retries: Option<Retries>,
    /// Largest request that is sent, in bytes before compression.
    pub request_bytes: u64,
    /// Whether the compressed form of a request is kept beside it, to be sent on as it is.
    pub keeps_compressed: bool,
}

/// For how long attempts are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// From the first attempt on; nothing is without end.
    pub patience: Option<Duration>,
}

/// A queue in front of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// What it holds at most, waiting and in flight.
    pub size: u64,
    /// What that is counted in.
    pub unit: Unit,
    /// Requests in flight at most.
    pub consumers: u64,
    /// Whether senders wait while it is full.
    pub blocks: bool,
    /// Whether senders wait for the verdict of the destination.
    pub waits_for_result: bool,
    /// The extension that keeps it on disk; in memory otherwise.
    pub storage: Option<ComponentId>,
    /// Whether requests are joined in it.
    pub batches: bool,
    /// Whether what the destination rejects is sent again in halves.
    pub bisects: bool,
}

/// What the size of a queue is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Requests.
    Requests,
    /// Spans, data points, log records.
    Items,
    /// Bytes in memory.
    Bytes,
}

/// A limit on the memory of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryLimit {
    /// Above this many bytes, data is refused; nothing when it is a share of the machine's memory.
    pub bytes: Option<u64>,
}

/// Something that a component holds in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// What it is, for people: `batches that are not full yet`.
    pub what: String,
    /// Bytes at most; nothing is without limit.
    pub bytes: Option<u64>,
    /// How that is reckoned: `8 MiB of each of 10 batches`.
    pub how: String,
    /// The key that limits it, within the configuration of the component.
    pub key: String,
}

impl Reach {
    /// That of a host, as a name or an address without brackets. Empty is every address.
    pub fn of_host(host: &str) -> Self {
        match host.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => Self::Everywhere,
            Ok(address) if address.is_loopback() => Self::Local,
            Err(_) if host.is_empty() => Self::Everywhere,
            Err(_) if host == "localhost" || host.ends_with(".localhost") => Self::Local,
            Ok(_) | Err(_) => Self::Remote,
        }
    }

    /// That of `host:port`.
    pub fn of_endpoint(endpoint: &str) -> Self {
        let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
        Self::of_host(host.trim_start_matches('[').trim_end_matches(']'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_place_is_can_be_seen_at_its_address() {
        for (endpoint, reach) in [
            ("localhost:4317", Reach::Local),
            ("127.0.0.1:4317", Reach::Local),
            ("[::1]:4317", Reach::Local),
            (":4317", Reach::Everywhere),
            ("0.0.0.0:4317", Reach::Everywhere),
            ("[::]:4317", Reach::Everywhere),
            ("10.0.0.1:4317", Reach::Remote),
            ("backend.example.com:4317", Reach::Remote),
        ] {
            assert_eq!(Reach::of_endpoint(endpoint), reach, "{endpoint}");
        }
    }
}
