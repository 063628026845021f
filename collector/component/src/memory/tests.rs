use super::*;

fn budget(hard: usize, soft: usize) -> MemoryBudget {
    MemoryBudget::new(MemoryLimits { hard, soft }, |_| {})
}

fn reserve(budget: &MemoryBudget, sender: &Sender, bytes: usize) -> Result<Reserved, NoRoom> {
    let mut reserved = Reserved::of(Budgets::from_buf([budget.clone()]), Some(sender));
    reserved.resize(bytes)?;
    Ok(reserved)
}

#[test]
fn what_is_reserved_comes_back_with_the_last_who_holds_it() {
    let budget = budget(100, 100);
    let mut memory = Memory::default();
    memory.add(reserve(&budget, &Sender::default(), 60).unwrap());
    let shared = memory.clone();
    drop(memory);
    assert_eq!(budget.reserved(), 60);
    assert!(shared.is_of(&budget));
    assert_eq!(reserve(&budget, &Sender::default(), 41).unwrap_err(), NoRoom::Full);
    drop(shared);
    assert_eq!(budget.reserved(), 0);
}

#[test]
fn a_reservation_grows_and_shrinks_and_keeps_what_it_has_when_there_is_no_more() {
    let budget = budget(100, 100);
    let mut one = reserve(&budget, &Sender::default(), 30).unwrap();
    let _other = reserve(&budget, &Sender::default(), 50).unwrap();
    one.resize(50).unwrap();
    assert_eq!(one.resize(51), Err(NoRoom::Full));
    assert_eq!((one.bytes(), budget.reserved()), (50, 100));
    one.resize(10).unwrap();
    assert_eq!(budget.reserved(), 60);
}

#[test]
fn a_request_that_is_larger_than_the_limit_never_gets_in() {
    let budget = budget(100, 80);
    let why = reserve(&budget, &Sender::default(), 101).unwrap_err();
    assert_eq!(why, NoRoom::TooLarge { bytes: 101, limit: 100 });
    assert!(
        matches!(why.outcome(), Outcome::Permanent(failure) if failure.code() == Code::ResourceExhausted)
    );
    let mut grows = reserve(&budget, &Sender::default(), 90).unwrap();
    assert!(matches!(grows.resize(200), Err(NoRoom::TooLarge { .. })));
    assert!(NoRoom::Full.outcome().is_retryable());
}

#[test]
fn a_sender_that_floods_leaves_room_for_the_others() {
    let budget = budget(100, 80);
    let (flood, other) = (Sender::default(), Sender::default());
    let mut held = Vec::new();
    let why = loop {
        match reserve(&budget, &flood, 10) {
            Ok(reserved) => held.push(reserved),
            Err(why) => break why,
        }
    };
    assert_eq!((why, budget.reserved()), (NoRoom::Share, 80));
    let first = reserve(&budget, &other, 10).unwrap();
    let second = reserve(&budget, &other, 10).unwrap();
    assert_eq!(reserve(&budget, &other, 10).unwrap_err(), NoRoom::Full);
    // As the flood recedes, its room goes to the other, until that has as much.
    held.truncate(6);
    assert_eq!(reserve(&budget, &flood, 10).unwrap_err(), NoRoom::Share);
    let third = reserve(&budget, &other, 10).unwrap();
    let fourth = reserve(&budget, &other, 10).unwrap();
    assert_eq!(reserve(&budget, &other, 10).unwrap_err(), NoRoom::Full);
    held.clear();
    drop((first, second, third, fourth));
    assert_eq!(budget.reserved(), 0);
    assert_eq!(budget.0.senders.load(Ordering::Relaxed), 0);
}

#[test]
fn an_overdrawn_budget_gives_nothing_until_it_is_not_or_nothing_can_come_back() {
    let budget = budget(100, 100);
    let held = reserve(&budget, &Sender::default(), 10).unwrap();
    budget.overdraw(true);
    assert_eq!(reserve(&budget, &Sender::default(), 10).unwrap_err(), NoRoom::Process);
    drop(held);
    let held = reserve(&budget, &Sender::default(), 10).unwrap();
    budget.overdraw(false);
    drop(reserve(&budget, &Sender::default(), 10).unwrap());
    drop(held);
}

#[test]
fn one_budget_counts_once_and_of_several_each_counts() {
    let (a, b) = (budget(100, 100), budget(50, 50));
    let mut reserved =
        Reserved::of([a.clone(), b.clone(), a.clone()].into_iter().collect(), Some(&Sender::default()));
    reserved.resize(40).unwrap();
    assert_eq!((a.reserved(), b.reserved()), (40, 40));
    assert!(matches!(reserved.resize(60), Err(NoRoom::TooLarge { limit: 50, .. })));
    drop(reserved);
    assert_eq!((a.reserved(), b.reserved()), (0, 0));
}

#[test]
fn who_joins_batches_keeps_the_memory_of_each_once() {
    let budget = budget(100, 100);
    let (mut a, mut b) = (Memory::default(), Memory::default());
    a.add(reserve(&budget, &Sender::default(), 10).unwrap());
    b.add(reserve(&budget, &Sender::default(), 20).unwrap());
    a.join(&b);
    a.join(&b.clone());
    drop(b);
    assert_eq!((budget.reserved(), a.0.len()), (30, 2));
    drop(a);
    assert_eq!(budget.reserved(), 0);
}

#[test]
fn every_refusal_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let budget = MemoryBudget::new(MemoryLimits { hard: 10, soft: 10 }, move |why| {
        tell.lock().unwrap().push(why);
    });
    let _held = reserve(&budget, &Sender::default(), 10).unwrap();
    reserve(&budget, &Sender::default(), 1).unwrap_err();
    assert_eq!(*told.lock().unwrap(), [NoRoom::Full]);
}

fn fair(hard: usize, soft: usize, most: usize) -> MemoryBudget {
    let by = FairBy { metadata_key: "x-tenant".to_owned(), most };
    MemoryBudget::fair_by(MemoryLimits { hard, soft }, Some(by), |_| {})
}

/// Reserves for a request of a tenant, if it names one, on a connection.
fn reserve_for(
    budget: &MemoryBudget,
    connection: &Sender,
    tenant: Option<&str>,
    bytes: usize,
) -> Result<Reserved, NoRoom> {
    let field = |name: &str| tenant.filter(|_| name == "x-tenant").map(str::as_bytes);
    let mut reserved = Reserved::told_apart(Budgets::from_buf([budget.clone()]), Some(connection), &field);
    reserved.resize(bytes)?;
    Ok(reserved)
}

#[test]
fn tenants_on_one_connection_have_a_share_each_and_one_tenant_on_many_has_one() {
    let (budget, gateway) = (fair(100, 80, 10), Sender::default());
    let mut held: Vec<_> =
        (0..8).map(|_| reserve_for(&budget, &gateway, Some("flood"), 10).unwrap()).collect();
    let again = |connection: &Sender| reserve_for(&budget, connection, Some("flood"), 10).unwrap_err();
    assert_eq!(again(&gateway), NoRoom::Share);
    assert_eq!(again(&Sender::default()), NoRoom::Share, "another connection is no other sender");
    held.push(reserve_for(&budget, &gateway, Some("small"), 10).unwrap());
    held.push(reserve_for(&budget, &gateway, None, 10).unwrap());
    assert_eq!(reserve_for(&budget, &gateway, Some("new"), 10).unwrap_err(), NoRoom::Full);
    held.clear();
    assert_eq!((budget.reserved(), budget.0.senders.load(Ordering::Relaxed)), (0, 0));
}

#[test]
fn requests_without_the_field_are_of_their_connection() {
    let budget = fair(100, 80, 10);
    let (flood, other) = (Sender::default(), Sender::default());
    let _held: Vec<_> = (0..8).map(|_| reserve_for(&budget, &flood, None, 10).unwrap()).collect();
    assert_eq!(reserve_for(&budget, &flood, None, 10).unwrap_err(), NoRoom::Share);
    reserve_for(&budget, &other, None, 10).unwrap();
}

#[test]
fn senders_beyond_the_most_that_are_known_are_one() {
    let (budget, gateway) = (fair(100, 40, 2), Sender::default());
    let reserve = |tenant| reserve_for(&budget, &gateway, Some(tenant), 10);
    let known = [reserve("a").unwrap(), reserve("b").unwrap()];
    let others = [reserve("c").unwrap(), reserve("d").unwrap()];
    assert_eq!(reserve("e").unwrap_err(), NoRoom::Share, "c and d have its share");
    drop(known);
    let e = reserve("e").unwrap();
    assert!(!Arc::ptr_eq(e.parts[0].account.as_ref().unwrap(), others[0].parts[0].account.as_ref().unwrap()));
}

#[test]
fn what_is_known_of_senders_that_hold_nothing_is_forgotten_when_there_are_too_many() {
    const MOST: usize = 64;
    let (budget, gateway) = (fair(100, 80, MOST), Sender::default());
    let told_apart = budget.0.told_apart.as_ref().unwrap();
    let mut shared = 0;
    for number in 0..100 * MOST {
        let reserved = reserve_for(&budget, &gateway, Some(&number.to_string()), 1).unwrap();
        shared += usize::from(Arc::ptr_eq(reserved.parts[0].account.as_ref().unwrap(), told_apart.others()));
        assert!(told_apart.known() <= MOST);
    }
    assert_eq!(shared, 0, "those that are known hold nothing, and make room");
}

/// A budget as the pages describe it: nothing shared, nothing atomic, every sum made anew.
#[derive(Default)]
struct Model(Vec<(Option<u32>, usize)>);

impl Model {
    const HARD: usize = 1000;
    const SOFT: usize = 700;

    fn verdict(&self, tenant: Option<u32>, bytes: usize) -> Result<(), NoRoom> {
        let after = self.0.iter().map(|(_, bytes)| bytes).sum::<usize>() + bytes;
        let held: usize = self.0.iter().filter(|(by, _)| *by == tenant).map(|(_, bytes)| bytes).sum();
        let mut senders: Vec<_> = self.0.iter().map(|(by, _)| *by).chain([tenant]).collect();
        senders.sort_unstable();
        senders.dedup();
        if after > Self::HARD {
            return Err(NoRoom::Full);
        }
        if after > Self::SOFT && held > 0 && held + bytes > Self::SOFT / senders.len() {
            return Err(NoRoom::Share);
        }
        Ok(())
    }
}

#[test]
fn a_fair_budget_does_what_the_model_says() {
    let (budget, gateway, mut model) =
        (fair(Model::HARD, Model::SOFT, 8), Sender::default(), Model::default());
    let (mut held, mut random, mut verdicts) = (Vec::new(), 1_u64, [0; 3]);
    let mut next = |below: u64| {
        // Knuth's MMIX generator: the same requests in each run.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for step in 0..20_000 {
        if next(3) == 0 && !held.is_empty() {
            let gone = usize::try_from(next(held.len() as u64)).unwrap();
            held.swap_remove(gone);
            model.0.swap_remove(gone);
            continue;
        }
        let tenant = Some(u32::try_from(next(6)).unwrap()).filter(|tenant| *tenant > 0);
        // The first floods, and the connection has seldom something, and then much.
        let most = [600, 200, 40, 40, 40, 40][tenant.unwrap_or(0) as usize];
        let bytes = usize::try_from(1 + next(most)).unwrap();
        let reserved =
            reserve_for(&budget, &gateway, tenant.map(|tenant| tenant.to_string()).as_deref(), bytes);
        let verdict = reserved.as_ref().map(|_| ()).map_err(|why| *why);
        assert_eq!(verdict, model.verdict(tenant, bytes), "step {step}: {tenant:?} wants {bytes}");
        verdicts[verdict.map_or_else(|why| 1 + usize::from(why == NoRoom::Full), |()| 0)] += 1;
        if let Ok(reserved) = reserved {
            held.push(reserved);
            model.0.push((tenant, bytes));
        }
        assert_eq!(budget.reserved(), model.0.iter().map(|(_, bytes)| bytes).sum::<usize>());
    }
    assert!(verdicts.iter().all(|times| *times > 100), "{verdicts:?}");
}
