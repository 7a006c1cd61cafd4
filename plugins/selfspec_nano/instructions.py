"""Wordings of the instructions: many hand-written forms a task, with a few interchangeable words.

``{s}`` stands for a word for the text, ``{c}`` for the choices, ``{o}`` for a word for the
organisations, ``{f}`` for the field.
"""

from random import Random

TEXT_WORDS = {
    "finance": "headline|sentence|news item|company news|text|report|story|wire line|passage|news",
    "biomedicine": "report|finding|note|sentence|abstract line|text|passage|case note|study note",
    "law": "case note|record|ruling|sentence|text|filing|court report|passage|notice",
    "everyday": "line|story|note|sentence|text|message|post|passage|local news|diary line",
}
ORG_WORDS = {
    "finance": "companies|firms|company names|businesses|corporations",
    "biomedicine": "institutions|organisations|clinics and labs|organisation names",
    "law": "parties|organisations|firms|bodies|organisation names",
    "everyday": "places|organisations|clubs and shops|names of places|groups",
}
FIELD_WORDS = {
    "finance": "finance|financial|business|economic",
    "biomedicine": "medical|health|biology|science",
    "law": "legal|law|court",
    "everyday": "everyday|common|household",
}

SENTIMENT = """
Is this {s} positive, negative or neutral for the company?
Label the tone of the {s} as {c}.
Decide how an investor would take the {s}: {c}.
What is the mood of this {s}? Choose among {c}.
Give the sentiment.
State whether the {s} is good, bad or neither; answer {c}.
Judge the {s}. Options: {c}.
Mark the {s} with {c}.
How does the {s} sound for those involved? Reply {c}.
Read the {s} and rate its tone.
Would the owners be happy, unhappy or indifferent? Say {c}.
Tone of the {s} ({c})
Assign one of {c} to the {s}.
Pick the right attitude: {c}.
I need the sentiment of one {s}. Use only {c}.
Does the {s} bring good news, bad news or no clear news? Write {c}.
Classify the {s} by sentiment.
Which way does this {s} point: {c}?
"""
EVENT_TYPE = """
What kind of event does the {s} describe?
Classify the event in the {s}. Choices: {c}.
Name the type of event.
Choose the event class: {c}.
Which of these fits the {s}: {c}?
Tag this {s} with its event type.
Sort the {s} into one of {c}.
Say what happened in one word: {c}.
The {s} reports one event. Which type is it?
Identify the category of the {s} from {c}.
Under which heading would you file the {s}? Headings: {c}.
Event type, please ({c}).
Label the topic of this {s}.
Look at the {s} and give its event label, one of {c}.
Decide which event is being reported.
What is this {s} mainly about? Pick from {c}.
Find the matching event type for the {s}.
"""
LABEL = """
Classify the sentence as {c}.
Which label fits: {c}?
Label the sentence. Use {c}.
Read the statement and choose {c}.
What is the stance of the sentence? Options are {c}.
Decide between {c}.
Is the statement {c}?
Assign the proper label to this statement.
Give the label of the sentence ({c}).
Say which of {c} describes the statement.
Judge the line below and answer with one word: {c}.
Determine the class of the text.
Choose one: {c}.
Mark the sentence as {c}.
How would you tag this sentence? Tags: {c}.
"""
STANCE = """
Is the sentence hawkish, dovish or neutral?
Which stance does the central bank take here? Reply {c}.
Classify the policy stance as {c}.
Label this line of the minutes: {c}.
Does the speaker lean to tighter policy, looser policy or neither? Say {c}.
Give the monetary policy stance.
Read the statement on rates and choose {c}.
Judge the tone of the policy sentence, {c}.
Would a rate setter who says this be called {c}?
Decide if the remark points to higher rates, lower rates or neither; write {c}.
State the stance: {c}.
Tag the central bank sentence.
Determine whether the quote is {c}.
"""
YES_NO = """
Answer the question with yes or no.
Read the {s} and say yes or no.
Use the {s} to answer the question: yes or no.
Is the answer to the question yes or no?
Reply yes or no, going by the {s}.
Look at the {s}, then answer yes or no.
According to the {s}, is it so? Write yes or no.
Give a yes or a no to the question at the end.
Decide if the question should be answered yes or no.
Respond to the question; only yes or no is allowed.
After reading the {s}, answer its question with a single word.
Yes or no?
Tell me whether the answer is yes or no.
Judge the question against the {s} and answer yes or no.
"""
CLAIM = """
Is the claim supported, refuted or unknown?
Check the claim against the {s}. Answer {c}.
Compare the claim with the {s} and choose {c}.
Say whether the {s} backs the claim: {c}.
Does the {s} support or refute the claim, or leave it unknown?
Verify the claim. Options: {c}.
Label the claim {c}, using the {s} alone.
Decide if the claim is {c}.
Fact-check the claim with the {s}; write {c}.
Given the {s}, the claim is what: {c}?
Read the {s} and judge the claim that follows.
What does the {s} say about the claim? Reply {c}.
Determine the status of the claim.
Tell if the claim can be believed from the {s} ({c}).
"""
NAMES = """
List the {o} in the {s}.
Which {o} are named in the {s}?
Write down all {o} found in this {s}, separated by commas.
Find every one of the {o}.
Extract the {o} from the {s} in order.
Name the {o} that occur.
Copy out the names of the {o} in the {s}.
What {o} does the {s} mention?
Give the {o}, as written, with commas between them.
Pull out all {o}.
Who are the {o} here? List each name.
Read the {s} and note the {o} it names.
Spot the {o} in the {s}; leave out people and places.
Return each of the {o} in the order in which they appear.
"""
FIGURE = """
Find the figure asked for in the {s}.
Answer the question with a figure from the {s}.
Look up the number.
Read the {s} and give the amount.
Give the requested figure with its unit.
What figure answers the question? Copy it from the {s}.
Take the right number out of the {s}.
Reply with the amount or number that the question asks about.
Use the {s} to answer with a number.
Several figures are given; pick the one that is asked for.
Quote the figure that answers the question.
Search the {s} for the value and write it as it stands.
State the number the question wants.
Answer with the exact figure.
"""
SPAN = """
Answer the question with words from the {s}.
Answer the question.
Find who or what is asked for in the {s}.
Copy the answer to the question from the {s}.
Read the {s} and answer the question about it.
Give the name that answers the question.
Who or what is meant? Use the words of the {s}.
Reply with the part of the {s} that answers the question.
Use the {s} to say who did it.
Quote the answer.
Look in the {s} for the answer and write it exactly.
Take the answer from the {s}, with nothing added.
Point out the person, firm or thing the question asks about.
Respond with a name or phrase found in the {s}.
"""
TERM = """
Which {f} term fits the definition?
Name the {f} term that is defined.
Give the term for this definition.
What is this called?
Write the word that the definition describes.
Say which {f} word is meant.
Find the term: what matches this meaning?
Here is a definition. Name the thing.
Supply the {f} term.
What do we call this?
Match the description with its {f} term.
State the term in lower case.
The text explains a {f} term. Which one?
One to three words: what is described?
"""
ENTITIES = """
List the {e} in the {s}.
Which {e} are named? Separate them with commas.
Write out all {e}, in order.
Extract the {e}.
Find every one of the {e} in this {s}.
{e}, please
Copy the names of the {e} from the {s}.
Give the {e} mentioned, comma-separated.
Mark the {e} by listing them as written.
"""
LIST = """
Answer the question with a list from the {s}.
List the answers, separated by commas.
Answer with all that are named.
Read the {s} and list what is asked for.
Name them, in order.
Give the list.
Copy the items that answer the question.
"""
OVERRULING = """
Does the sentence overrule an earlier decision?
Is a precedent overruled here? Answer {c}.
Say {c}: does the court depart from an earlier case?
Overruling or not? Reply {c}.
Decide whether this line of an opinion overrules a case.
"""
FAIR = """
Is the term fair or unfair to the consumer?
Label the clause of the terms of service as {c}.
Judge this term: {c}.
Would a consumer body call this term {c}?
Read the condition and say {c}.
"""
CLAUSE = """
What type of clause is this?
Classify the contract clause: {c}.
Under which heading does the clause belong: {c}?
Name the clause type.
Sort the clause into one of {c}.
"""
ISSUE = """
Which area of law does this problem raise?
Choose the legal issue: {c}.
What kind of lawyer is needed: {c}?
Spot the issue.
Tag the problem with {c}.
"""
INTERACTION = """
What does the sentence say about the two drugs: {c}?
Classify the interaction as {c}.
Which kind of interaction is stated?
Label the drug pair with {c}.
Name the interaction type.
"""
REVIEW = """
Is this review of a medicine {c}?
Rate the patient's review.
How does the patient feel about the drug? Say {c}.
Label the review as {c}.
Tone of the review ({c})
"""
ENTITY_WORDS = {
    "disease_ner": "diseases",
    "chemical_ner": "drugs and chemicals",
    "gene_ner": "genes and proteins",
    "legal_ner": "parties",
}
TASKS = {
    "headline_sentiment": SENTIMENT,
    "event_type": EVENT_TYPE,
    "policy_stance": STANCE,
    "headline_yesno": YES_NO,
    "claim_check": CLAIM,
    "company_ner": NAMES,
    "figure_lookup": FIGURE,
    "deal_roles": SPAN,
    "glossary": TERM,
    "list_qa": LIST,
    "overruling": OVERRULING,
    "unfair_terms": FAIR,
    "clause_type": CLAUSE,
    "issue_spotting": ISSUE,
    "drug_interaction": INTERACTION,
    "review_sentiment": REVIEW,
    **{task: ENTITIES.replace("{e}", word) for task, word in ENTITY_WORDS.items()},
    "label": LABEL,
}
WORDINGS = {
    task: tuple(line for line in block.split("\n") if line) for task, block in TASKS.items()
}


def join_choices(rng: Random, choices: list[str]) -> str:
    """Return choices as a phrase: ``a, b or c``, ``a, b, c`` or ``a / b / c``."""
    style = rng.random()
    if style < 0.55 and len(choices) > 1:
        return f"{', '.join(choices[:-1])} or {choices[-1]}"
    return (", " if style < 0.9 else " / ").join(choices)


def instruction(rng: Random, task: str, field: str, choices: list[str]) -> str:
    """Return one wording of a task's instruction.

    Args:
        rng: source of randomness.
        task: a key of ``WORDINGS``.
        field: name of the domain, which sets the words for text and organisations.
        choices: the labels, in the order in which they are to be named.
    """

    def pick(words: dict[str, str]) -> str:
        return rng.choice(words.get(field, words["finance"]).split("|"))

    template = rng.choice(WORDINGS[task])
    return template.format(
        s=pick(TEXT_WORDS), o=pick(ORG_WORDS), f=pick(FIELD_WORDS), c=join_choices(rng, choices)
    )
