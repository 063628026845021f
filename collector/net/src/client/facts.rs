//! What a client says about itself before it runs.

use etalon_component::{Destination, Reach};

use super::CALLS_MAX;
use super::endpoint::Scheme;
use super::grpc_config::GrpcClientConfig;
use super::http_config::HttpClientConfig;
use super::http_url::Url;

impl GrpcClientConfig {
    /// Where it sends to; nothing when the endpoint cannot be read.
    pub fn facts(&self) -> Option<Destination> {
        let endpoint = self.parsed_endpoint().ok()?;
        let reach = match endpoint.scheme() {
            Scheme::Unix => Reach::Local,
            Scheme::Dns | Scheme::Http | Scheme::Https | Scheme::Passthrough => of_host(&endpoint.host()),
        };
        Some(Destination {
            endpoint: self.endpoint.clone(),
            reach,
            is_encrypted: self.tls.is_wanted() || endpoint.scheme() == Scheme::Https,
            is_verified: !self.tls.insecure_skip_verify,
            calls: CALLS_MAX as u64,
        })
    }
}

impl HttpClientConfig {
    /// Where it sends to when that is `url`; nothing when that cannot be read.
    pub fn facts(&self, url: &str) -> Option<Destination> {
        let url = Url::parse(url).ok()?;
        Some(Destination {
            endpoint: url.to_string(),
            reach: of_host(&url.target.host),
            is_encrypted: url.tls,
            is_verified: !self.tls.insecure_skip_verify,
            calls: CALLS_MAX as u64,
        })
    }
}

/// For a client, no host is this machine, and so is what means every address to a server.
fn of_host(host: &str) -> Reach {
    match Reach::of_host(host) {
        Reach::Everywhere => Reach::Local,
        reach => reach,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grpc(endpoint: &str) -> Destination {
        let config = GrpcClientConfig { endpoint: endpoint.to_owned(), ..GrpcClientConfig::default() };
        config.facts().expect("it can be read")
    }

    #[test]
    fn what_is_said_of_a_grpc_client_is_what_it_does() {
        let told = grpc("backend.example.com:4317");
        assert_eq!((told.reach, told.is_encrypted, told.is_verified), (Reach::Remote, true, true));
        assert_eq!(grpc("unix:///run/otlp.sock").reach, Reach::Local);
        let mut config =
            GrpcClientConfig { endpoint: "[::1]:4317".to_owned(), ..GrpcClientConfig::default() };
        config.tls.insecure = true;
        config.tls.insecure_skip_verify = true;
        let told = config.facts().expect("it can be read");
        assert_eq!((told.reach, told.is_encrypted, told.is_verified), (Reach::Local, false, false));
    }

    #[test]
    fn what_is_said_of_an_http_client_has_no_password() {
        let told = HttpClientConfig::default().facts("https://me:secret@10.0.0.1:4318/v1/logs");
        let told = told.expect("it can be read");
        assert_eq!(told.endpoint, "https://10.0.0.1:4318/v1/logs");
        assert_eq!((told.reach, told.is_encrypted), (Reach::Remote, true));
        assert!(!HttpClientConfig::default().facts("http://localhost:1").expect("a URL").is_encrypted);
    }
}
