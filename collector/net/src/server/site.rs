//! Pages for people and probes, which are read with GET, on the same server as OTLP/HTTP has.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use etalon_component::{Code, Reserved, Sender};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;

use super::connection::{Client, Protocol, at};
use super::http::{Http, Refusal};
use super::http_answer;
use super::panics::Caught;
use crate::status::Status;

/// What is shown to those who ask with GET or HEAD.
pub trait Site: Send + Sync {
    /// The page at a path, whatever its status. It answers at once: all that it tells is known already. The body of
    /// an answer to HEAD is left out by the server.
    fn page(&self, request: &Parts) -> Response<Bytes>;
}

/// Serves a [`Site`].
pub(super) struct Pages {
    /// For all that is no page: who may come in, and what is taken of them.
    pub(super) http: Http,
    pub(super) site: Arc<dyn Site>,
}

impl Protocol for Pages {
    type Body = Full<Bytes>;

    async fn respond(self: Arc<Self>, request: Request<Incoming>, client: Client) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let preflight = self.http.cors.as_ref().and_then(|cors| cors.preflight(&head));
        let is_preflight = preflight.is_some();
        let response = match preflight {
            Some(response) => response,
            None => self.answer(&head, body, &client.sender).await,
        };
        self.http.finished(&head, response, is_preflight)
    }
}

impl Pages {
    async fn answer(&self, head: &Parts, body: Incoming, sender: &Sender) -> Response<Bytes> {
        let limit = self.http.write_timeout;
        let timeout = (!limit.is_zero()).then(|| tokio::time::Instant::now() + limit);
        tokio::select! {
            biased;
            answered = self.guarded(head, body, sender) => answered,
            () = at(timeout) => self.http.refusal(head, &self.http.too_late()),
        }
    }

    async fn guarded(&self, head: &Parts, body: Incoming, sender: &Sender) -> Response<Bytes> {
        if let Err(turned_away) = self.http.guard.admit(head).await {
            return http_answer::turned_away(&head.headers, &turned_away);
        }
        if head.method != Method::GET && head.method != Method::HEAD {
            return only_read(head);
        }
        match self.page(head, body, sender).await {
            Ok(page) => page,
            Err(refusal) => self.http.refusal(head, &refusal),
        }
    }

    async fn page(&self, head: &Parts, body: Incoming, sender: &Sender) -> Result<Response<Bytes>, Refusal> {
        // Few clients send one with GET, and no page has a use for it.
        let mut memory = Reserved::of(self.http.budgets.clone(), Some(sender));
        self.http.received(head, body, &mut memory).await?;
        let page = Caught(poll_fn(|_| Poll::Ready(self.site.page(head)))).await;
        let mut page = page.ok_or_else(super::panicked)?;
        if head.method == Method::HEAD {
            let length = page.body().len();
            page.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            *page.body_mut() = Bytes::new();
        }
        Ok(page)
    }
}

fn only_read(head: &Parts) -> Response<Bytes> {
    let message = format!("method {} not allowed, supported: [GET HEAD]", head.method);
    let status = Status::new(Code::Unimplemented, message);
    let mut response = http_answer::failure(&head.headers, &status);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(header::ALLOW, const { HeaderValue::from_static("GET, HEAD") });
    response
}
