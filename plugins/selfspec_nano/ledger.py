"""Sentences with several figures and names, each with questions that only one of them answers."""
# ruff: noqa: E501  a line holds a text with all of its questions

LINES = """
{A} paid {M} for the site in {City} and {M2} for the machines.|How much did the site cost?={M}|What was paid for the machines?={M2}|Who paid?={A}
{A} sold {N} cars in {Month} and {N2} in the month before.|How many cars were sold in {Month}?={N}|How many were sold in the month before?={N2}
Sales at {A} grew {P} percent to {M}, while costs rose {P2} percent.|How much did sales grow?={P} percent|By how much did costs rise?={P2} percent|What did sales reach?={M}
{A} borrowed {M} from {B} at {P} percent for {K} years.|What rate does the loan carry?={P} percent|How long does the loan run?={K} years|Who lent the money?={B}|Who is the borrower?={A}
Of the {N} jobs at {A}, {N2} are in {City}.|How many jobs does the firm have?={N}|How many jobs are in {City}?={N2}
{A} expects {M} of revenue and {M2} of profit in {Year}.|What profit is expected?={M2}|How much revenue is forecast?={M}|For which year?={Year}
{X} sold {N} shares of {A} and still holds {N2}.|How many shares were sold?={N}|How many shares does {X} still hold?={N2}|Who sold shares?={X}
{B} bought {P} percent of {A} for {M} from {D}.|Who sold the stake?={D}|Who bought the stake?={B}|How big is the stake?={P} percent|What was the price of the stake?={M}
The fee of {M} will be shared by {A}, which gets {P} percent, and {B}, which gets {P2} percent.|What share goes to {A}?={P} percent|What share goes to {B}?={P2} percent|How large is the fee?={M}
{A} has {K} branches in {City} and {N} elsewhere.|How many branches are in {City}?={K}|How many branches are elsewhere?={N}
{A} cut its price from {M} to {M2} after {K} days without an offer.|What was the old price?={M}|What is the new price?={M2}|How many days passed?={K}
{A} spent {M} on research, {P} percent more than in {Year}.|How much went to research?={M}|How much more than in {Year} is that?={P} percent
{B} owns {P} percent of {A}; {X} holds another {P2} percent.|How much of the firm does {X} hold?={P2} percent|How much does {B} own?={P} percent
{A} shipped {N} tonnes in {Month}, for which {B} paid {M}.|How many tonnes were shipped?={N}|What did {B} pay?={M}|Who shipped the goods?={A}
The {City} plant of {A} made {N} pumps with {N2} workers.|How many workers does the plant have?={N2}|How many pumps were made?={N}
{A} took orders worth {M}, of which {B} placed {M2}.|How much did {B} order?={M2}|What were all orders worth?={M}
{X} will replace {Y} as head of {A} on {Day}.|Who leaves?={Y}|Who takes over?={X}|Which firm gets a new head?={A}|On which day?={Day}
{A} sued {B}, and {X} will hear the case in {City}.|Who sued?={A}|Who was sued?={B}|Who hears the case?={X}|Where will the case be heard?={City}
{A} hired {B} to sell its unit in {Country} to {D}.|Who arranges the sale?={B}|Who is the buyer?={D}|Who is the seller?={A}|Where is the unit?={Country}
{B} lent {M} to {A}, and {D} stands guarantor.|Who is the lender?={B}|Who borrowed?={A}|Who guarantees the loan?={D}
{A} lost a contract with {B} to {D}.|Who won the contract?={D}|Who lost the contract?={A}|Whose contract was it?={B}
{X} of {A} raised the rating of {B}, but {Y} of {D} lowered it.|Who raised the rating?={X}|Who lowered the rating?={Y}|Which firm was rated?={B}
{B} outbid {D} for {A} with an offer of {M}.|Who made the higher offer?={B}|Who was outbid?={D}|Which company was for sale?={A}|What was offered?={M}
{A} will pay {Cents} cents a share on {N} shares.|How much is paid per share?={Cents} cents|On how many shares is it paid?={N}
The audit of {A} by {B} took {K} weeks and cost {M}.|How long did the audit take?={K} weeks|What did the audit cost?={M}|Who did the audit?={B}
{A} was fined {M} and {B} {M2} in the same case.|What is the fine of {A}?={M}|What is the fine of {B}?={M2}
{A} has {N} customers and wants {N2} by {Year}.|How many customers are there now?={N}|How many customers are wanted?={N2}|By what year?={Year}
Output at {A} fell to {N} tonnes, the lowest in {K} years.|How much was produced?={N} tonnes|For how many years was it not so low?={K}
"""


def _parse(line: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    text, *pairs = line.split("|")
    return text, tuple((q, a) for q, a in (pair.split("=") for pair in pairs))


QUESTIONS = tuple(_parse(line) for line in LINES.strip().split("\n"))
