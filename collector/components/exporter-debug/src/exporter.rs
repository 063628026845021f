//! The exporter of one signal.

use std::fmt::Write as _;
use std::sync::OnceLock;

use etalon_component::{
    Batch, BoxError, BoxFuture, Code, Component, Consumer, Host, Outcome, Settings, Stage, data_type,
};
use etalon_delivery::Delivery;
use etalon_pdata::text::{TextError, TextForm};
use etalon_pdata::{Payload, Signal};
use etalon_telemetry::attributes::Exporter;
use etalon_telemetry::event::Causes;
use etalon_telemetry::metrics::ExporterAttributes;
use etalon_telemetry::tell;
use tokio::time::Instant;

use crate::event::Site;
use crate::output::{Output, Target};
use crate::sampler::Sampler;
use crate::{DebugConfig, Verbosity};

struct Debug {
    form: &'static TextForm,
    verbosity: Verbosity,
    sampler: Sampler,
    way: Way,
    span: tracing::Span,
}

/// How the text leaves.
enum Way {
    /// As events of the collector's own log.
    Log(&'static Site),
    /// As bare text. The output is there once the exporter has been started.
    Text { targets: Vec<Target>, output: OnceLock<Output> },
}

pub(crate) fn create(settings: Settings, config: &DebugConfig, signal: Signal) -> Result<Stage, BoxError> {
    let way = if config.use_internal_logger {
        Way::Log(Site::of(signal.text))
    } else {
        Way::Text { targets: config.targets(), output: OnceLock::new() }
    };
    let debug = Debug {
        form: signal.text,
        verbosity: config.verbosity,
        sampler: Sampler::new(config.sampling_initial, config.sampling_thereafter),
        way,
        span: settings.span.clone(),
    };
    let id = settings.id.to_string();
    let of = ExporterAttributes { exporter: Exporter(&id), data_type: data_type(signal)? };
    Ok(Stage::new(Delivery::new(&settings, signal, &config.delivery(), Stage::new(debug), of)))
}

impl Debug {
    /// Tells of a batch, when sampling lets it pass: one decision for its line and its text.
    fn tell(&self, payload: &Payload) -> Result<(), TextError> {
        if !self.sampler.passes() {
            return Ok(());
        }
        let counts = self.counts(payload);
        let text = match self.verbosity {
            Verbosity::Basic => None,
            Verbosity::Normal => Some((self.form.normal)(&payload.contiguous())?),
            Verbosity::Detailed => Some((self.form.detailed)(&payload.contiguous())?),
        };
        self.span.in_scope(|| match &self.way {
            Way::Log(site) => {
                site.emit(&counts);
                if let Some(text) = text {
                    tell!(ExporterDebugText { text: &text });
                }
            }
            Way::Text { output, .. } => {
                let Some(output) = output.get() else { return };
                let mut lines = self.line(&counts);
                if let Some(text) = text {
                    lines.push_str(&text);
                    lines.push('\n');
                }
                if let Err(error) = output.write(&lines) {
                    tell!(ExporterDebugOutputFailed { error: &Causes(&error) });
                }
            }
        });
        Ok(())
    }

    /// What the form counts, and then the items.
    fn counts(&self, payload: &Payload) -> Vec<usize> {
        let requests = payload.requests();
        let all = |count: &etalon_pdata::text::Count| requests.iter().map(|request| count.of(request)).sum();
        self.form.counts.iter().map(all).chain([payload.items()]).collect()
    }

    /// `Traces` and its counts as the Go collector writes them without time and level.
    fn line(&self, counts: &[usize]) -> String {
        let names = self.form.counts.iter().map(|count| count.name).chain([self.form.items]);
        let mut line = format!("{}\t{{", self.form.title);
        for (index, (name, count)) in names.zip(counts).enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            write!(line, "{separator}\"{name}\": {count}").expect("a String grows");
        }
        line.push_str("}\n");
        line
    }
}

impl Consumer for Debug {
    fn consume(&self, batch: Batch) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            match self.tell(&batch.payload) {
                Ok(()) => Outcome::DELIVERED,
                Err(error) => Outcome::permanent(Code::InvalidArgument, error.to_string()),
            }
        })
    }
}

impl Component for Debug {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            if let Way::Text { targets, output } = &self.way {
                let opened = Output::open(targets)?;
                output.get_or_init(|| opened);
            }
            Ok(())
        })
    }

    fn shutdown(&self, _: Instant) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async { Ok(()) })
    }
}
