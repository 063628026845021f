use std::borrow::Cow;

use etalon_telemetry::{Attributes, Declared, SpanDefinition, SpanKind};

struct MySpan;

impl Declared for MySpan {
    const DEFINITION: &'static SpanDefinition = &SpanDefinition { id: "mine", kind: SpanKind::Internal };

    fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed("mine")
    }

    fn tell(&self, _: &mut Attributes<'_>) {}
}

fn main() {}
