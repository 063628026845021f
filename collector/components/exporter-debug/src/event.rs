//! The log event about a batch, whose fields are named by the signal.
//!
//! The macros of `tracing` take field names that are known at compile time; here they come from a
//! [`TextForm`]. So a call site is made for each form when the first exporter needs it, in the way
//! that `tracing-log` makes events of records of the `log` crate. A form is a static, so there are as
//! many call sites as there are signals, however often exporters are built.

use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError};

use etalon_pdata::text::TextForm;
use etalon_telemetry::event::{EventDefinition, NAME_FIELD};
use etalon_telemetry::events::ExporterDebugBatch;
use tracing::callsite::{self, Callsite, Identifier};
use tracing::field::{FieldSet, Value};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, metadata};

/// The contract declares the fields of all signals; each has some of them.
const EVENT: &EventDefinition = ExporterDebugBatch::DEFINITION;

/// The call site of the events about one signal's batches.
pub(crate) struct Site {
    form: &'static TextForm,
    metadata: OnceLock<Metadata<'static>>,
}

static SITES: Mutex<Vec<&'static Site>> = Mutex::new(Vec::new());

impl Site {
    /// The call site of a form.
    pub(crate) fn of(form: &'static TextForm) -> &'static Self {
        let mut sites = SITES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(site) = sites.iter().find(|site| ptr::eq(site.form, form)) {
            return site;
        }
        let site: &'static Self = Box::leak(Box::new(Self { form, metadata: OnceLock::new() }));
        let counts = form.counts.iter().map(|count| count.name);
        let names: Vec<_> = ["message", NAME_FIELD].into_iter().chain(counts).chain([form.items]).collect();
        site.metadata.get_or_init(|| {
            Metadata::new(
                EVENT.name,
                module_path!(),
                EVENT.level,
                Some(file!()),
                Some(line!()),
                Some(module_path!()),
                FieldSet::new(Vec::leak(names), Identifier(site)),
                metadata::Kind::EVENT,
            )
        });
        callsite::register(site);
        sites.push(site);
        site
    }

    /// Emits the event: `counts` in the order of the form, then the items.
    pub(crate) fn emit(&'static self, counts: &[usize]) {
        let metadata = Callsite::metadata(self);
        tracing::dispatcher::get_default(|dispatch| {
            if dispatch.enabled(metadata) {
                let mut values: Vec<Option<&dyn Value>> = vec![Some(&self.form.title), Some(&EVENT.name)];
                values.extend(counts.iter().map(|count| Some(count as &dyn Value)));
                dispatch.event(&Event::new(metadata, &metadata.fields().value_set_all(&values)));
            }
        });
    }
}

impl Callsite for Site {
    /// Whether anybody is interested is asked anew for each event.
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'static> {
        self.metadata.get().expect("it is set before anybody gets to see the call site")
    }
}
