//! Decides which spans are told.

use super::{SpanContext, TraceId};

/// Decides which spans are told.
#[derive(Clone, Debug, PartialEq)]
pub enum Sampler {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// A share of all traces.
    TraceIdRatio(TraceIdRatio),
    /// As the parent was decided on.
    ParentBased(Box<ParentBased>),
}

/// A share of all traces, by the id of the trace: all who decide by the same share decide alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceIdRatio {
    /// Of the lower half of the id, without its last bit.
    below: u64,
}

/// Decides by the parent.
#[derive(Clone, Debug, PartialEq)]
pub struct ParentBased {
    /// For spans without a parent.
    pub root: Sampler,
    /// Below a span of another process that is told.
    pub remote_sampled: Sampler,
    /// Below a span of another process that is not.
    pub remote_not_sampled: Sampler,
    /// Below a span of this process that is told.
    pub local_sampled: Sampler,
    /// Below a span of this process that is not.
    pub local_not_sampled: Sampler,
}

impl TraceIdRatio {
    /// A share from 0 to 1; what is beyond is taken for the nearest of them.
    pub fn new(share: f64) -> Self {
        const ALL: u64 = 1 << 63;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is a number from 0 to 2^63"
        )]
        let below = (share.clamp(0.0, 1.0) * ALL as f64) as u64;
        Self { below }
    }

    fn samples(self, trace_id: TraceId) -> bool {
        let lower = u128::from_be_bytes(trace_id.bytes()) & u128::from(u64::MAX);
        lower >> 1 < u128::from(self.below)
    }
}

impl ParentBased {
    /// Spans are told exactly if their parent is; `root` decides on those without one.
    pub fn new(root: Sampler) -> Self {
        Self {
            root,
            remote_sampled: Sampler::AlwaysOn,
            remote_not_sampled: Sampler::AlwaysOff,
            local_sampled: Sampler::AlwaysOn,
            local_not_sampled: Sampler::AlwaysOff,
        }
    }

    fn of(&self, parent: Option<&SpanContext>) -> &Sampler {
        match parent.map(|parent| (parent.is_remote(), parent.is_sampled())) {
            None => &self.root,
            Some((true, true)) => &self.remote_sampled,
            Some((true, false)) => &self.remote_not_sampled,
            Some((false, true)) => &self.local_sampled,
            Some((false, false)) => &self.local_not_sampled,
        }
    }
}

impl Sampler {
    /// Whether a span of this trace, below `parent`, is told.
    pub(super) fn samples(&self, parent: Option<&SpanContext>, trace_id: TraceId) -> bool {
        match self {
            Self::AlwaysOn => true,
            Self::AlwaysOff => false,
            Self::TraceIdRatio(ratio) => ratio.samples(trace_id),
            Self::ParentBased(by_parent) => by_parent.of(parent).samples(parent, trace_id),
        }
    }
}

/// As the specification has it: all traces that others have not decided on already.
impl Default for Sampler {
    fn default() -> Self {
        Self::ParentBased(Box::new(ParentBased::new(Self::AlwaysOn)))
    }
}
