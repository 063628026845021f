//! What a server says about itself before it runs.

use etalon_component::{ComponentId, Intake, Listener, Reach};

use crate::auth::ServerMiddlewareConfig;

use super::{CONNECTIONS_MAX, GrpcServerConfig, HttpServerConfig, STREAMS_MAX, Transport};

impl GrpcServerConfig {
    /// Where it listens and what it takes in; `key` is that of this section.
    pub fn facts(&self, key: impl Into<String>) -> Listener {
        let streams =
            if self.max_concurrent_streams == 0 { STREAMS_MAX } else { self.max_concurrent_streams };
        Listener {
            key: key.into(),
            endpoint: self.endpoint.clone(),
            reach: reach(self.transport, &self.endpoint),
            is_encrypted: self.tls.is_on(),
            is_authenticated: self.auth.get().is_some_and(|auth| auth.authenticator.is_some()),
            middlewares: ids(&self.middlewares),
            intake: Some(intake(streams, self.max_message())),
        }
    }
}

impl HttpServerConfig {
    /// Where it listens and what it takes in; `key` is that of this section.
    pub fn facts(&self, key: impl Into<String>) -> Listener {
        Listener {
            key: key.into(),
            endpoint: self.endpoint.clone(),
            reach: reach(self.transport, &self.endpoint),
            is_encrypted: self.tls.is_on(),
            is_authenticated: self.auth.get().is_some_and(|auth| auth.authenticator.is_some()),
            middlewares: ids(&self.middlewares),
            intake: Some(intake(STREAMS_MAX, self.max_body())),
        }
    }
}

fn ids(middlewares: &[ServerMiddlewareConfig]) -> Vec<ComponentId> {
    middlewares.iter().filter_map(|middleware| middleware.id.clone()).collect()
}

fn intake(streams: u32, request_bytes: usize) -> Intake {
    Intake {
        connections: CONNECTIONS_MAX as u64,
        requests: streams.into(),
        request_bytes: request_bytes as u64,
    }
}

fn reach(transport: Transport, endpoint: &str) -> Reach {
    match transport {
        Transport::Unix => Reach::Local,
        Transport::Tcp | Transport::Tcp4 | Transport::Tcp6 => Reach::of_endpoint(endpoint),
    }
}
