"""Endless invented names, so that a model can only copy them, never know them."""

import zlib
from random import Random

ONSETS = "b d f g h k l m n p r s t v z w j c br dr gr kr pl st tr sh th cl fl".split()
VOWELS = "a e i o u a e i o ai ea ou".split()
CODAS = ["", "", "", "n", "r", "l", "s", "m", "t", "ck", "nd", "x"]
ENDINGS = (
    "vale don ton wick mere ford stead gate bury well ham lin berg stein mark field wood more "
    "side land burn port brook holm dale worth ley son sen sky ov ez elli etti ard ier"
).split()
FIRST = (
    "Anna Mark Lena Paul Rosa Ivan Nina Omar Clara Hugo Maya Felix Sara Leon Tara Adam Priya Kenji "
    "Ingrid Pedro Fatima Noah Chloe Dmitri Aisha Lars Mei Carlos Hannah Kwame Elif Tomas Julia "
    "Samir Greta Victor Naomi Stefan Amara Luis Yuki Brian Helen Rahul Monica George Irene Walter "
    "Diana Kevin Alice Martin Leila Oscar Ruth Simon Joan Peter Wei Olga Daniel Marta Eric Susan"
).split()
LEFT = (
    "Silver Red Blue Green North South East West Summit River Harbor Stone Iron Golden Pine "
    "Oak Maple Cedar Eagle Falcon Lion Bright Clear Crown Royal Union Liberty Pioneer Atlas "
    "Orion Delta Omega Nova Star Sun Moon Sky Ocean Coral Amber Crystal Diamond Copper "
    "Granite Prairie Valley Meadow Forest Lake Mountain Canyon Arctic Pacific Atlantic Baltic "
    "Alpine Aster Beacon Anchor Compass Lantern Bridge Castle Tower Mill Field Garden Rose "
    "Lily Olive Apple Honey Wolf Fox Bear Swan Heron Raven Comet Quantum Vector Apex Zenith "
    "Vertex Prime First Global Metro Civic"
).split()
RIGHT = (
    "Peak Point Ridge Gate Bridge Stone Field Wood Brook Water Light House Path Way Line Cross "
    "Haven Port Bay Hill Rock Wing Leaf Root Tree Grove Crest Shore Star Wave Spring View Park"
).split()
CAMEL_LEFT = "Tele Nova Medi Agri Inter Omni Aero Bio Cyber Data Eco Geo Hydro Info Micro".split()
CAMEL_RIGHT = "Vista Grid Link Core Works Soft Logic Net Path Max Plus Wave Gen Lab Tech".split()
KINDS = {
    "finance": (
        "Bank|Foods|Motors|Steel|Energy|Retail|Media|Capital|Airlines|Insurance|Cement|Mining|Oil|"
        "Shipping|Telecom|Software|Systems|Chemicals|Textiles|Brewers|Hotels|Homes|Logistics|"
        "Savings Bank|Industries|Power|Semiconductors|Paper|Stores|Pharma|Railways|Securities|"
        "Asset Management|Credit Union|Properties|Toys|Robotics|Farms|Dairy|Solar|Tire"
    ),
    "biomedicine": (
        "Hospital|Clinic|Institute|Labs|Therapeutics|Pharma|Medical Center|University|Biotech|"
        "Health|Diagnostics|Research Centre|Children's Hospital|Foundation|Vaccines|Genetics"
    ),
    "law": (
        "Builders|Insurance|Estates|Shipping|Council|Union|Housing Trust|Developers|Holdings|"
        "Water Board|Transport|Security|Stores|Press|Motors|School District|Charity|Rentals"
    ),
    "everyday": (
        "Market|Bakery|Cafe|School|Library|Garden Club|Theatre|Museum|Swimming Pool|Bookshop|"
        "Community Centre|Football Club|Choir|Bus Company|Farm Shop|Zoo|Cinema|Pizza House"
    ),
}
KIND_LISTS = {field: kinds.split("|") for field, kinds in KINDS.items()}
FORMS = "Inc|Corp|plc|Ltd|AG|SA|Group|Holdings|Partners|Brothers|International|Co".split("|")
PLACES = (
    "Lisbon|Oslo|Chicago|Mumbai|Osaka|Nairobi|Toronto|Lyon|Hamburg|Seoul|Leeds|Porto|Dallas|Milan|"
    "Zurich|Warsaw|Prague|Dublin|Austin|Perth|Lagos|Bogota|Lima|Cairo|Athens|Manila|Denver|Geneva|"
    "Boston|Kyoto|Vienna|Madrid|Cape Town|Santiago|Jakarta|Hanoi|Riga|Bergen|Tampa|Ghent|Naples|"
    "Bristol|Glasgow|Turin|Utrecht|Busan|Pune|Accra|Quito|Tunis"
).split("|")
COUNTRIES = (
    "Portugal|Norway|Canada|India|Japan|Kenya|France|Germany|Korea|Britain|Italy|Poland|Ireland|"
    "Australia|Nigeria|Colombia|Peru|Egypt|Greece|Spain|Austria|Chile|Indonesia|Vietnam|Latvia|"
    "Belgium|Brazil|Mexico|Turkey|Sweden|Finland|Denmark|Argentina|Thailand|Morocco|Ghana"
).split("|")


STARTERS = frozenset(
    "The A An In On At It Its This After Before While When Shares Sales Profit As With For No Two "
    "Three Net Despite Although Because Analysts Investors Shareholders Revenue Weak "
    "Strong Rates Officials Members Policy Inflation Most Several Some Better Higher Lower Fewer "
    "Demand Customers Workers Staff Patients Doctors Nurses Protests Helped Hit Our My We They "
    "He She There Not Thanks Growth Interest Prices Households Banks "
    "Wages Credit Output Money".split()
)
"""Words that start a sentence and are never names, so they may lose their capital."""


STEMS = (
    "Ash Bar Beck Black Bram Brad Bur Cal Cam Car Chal Chis Clay Cliff Col Cran Crom Dan Dar "
    "Den Der Dun Ed Elm Ever Fair Far Fern Finch Fitz Gal Gil Glen Graf Hal Hamp Hart Hatch "
    "Haver Heath Hol Hunt Ken Kil King Kirk Lang Lark Lau Led Len Lock Long Lor Mal Marl Mer "
    "Mid Mil Mont Mor Nether New Nor Oak Old Pad Park Pem Pen Per Pres Quin Rad Ray Red Rich "
    "Rock Roth Rush Sal Sand Sel Shaw Shel Sher Sut Tal Ten Thorn Til Tor Trent Up Vander Wal "
    "War Water Wel West Whit Wil Win York"
).split()
TRADES = (
    "Marine|Plastics|Optics|Glass|Timber|Freight|Cruises|Apparel|Biscuits|Beverages|Cables|Carpets|"
    "Ceramics|Coal|Coffee|Cycles|Devices|Dredging|Electric|Elevators|Engines|Fabrics|Fasteners|"
    "Ferries|Fertilisers|Films|Finance|Fisheries|Footwear|Forge|Furniture|Games|Gas|Gold|Grain|"
    "Hardware|Instruments|Interiors|Jewellers|Laboratories|Lamps|Leasing|Leather|Lighting|Lumber|"
    "Machinery|Materials|Meats|Metals|Mills|Mobile|Mortgage|Networks|Nutrition|Outdoor|Packaging|"
    "Paints|Petroleum|Pipelines|Press|Pumps|Quarries|Realty|Recycling|Rubber|Salt|Seeds|Services|"
    "Shipyards|Signals|Snacks|Spirits|Sports|Studios|Sugar|Supply|Technologies|Tools|Tractor|"
    "Travel|Trust|Turbines|Utilities|Valves|Ventures|Water|Wines|Wireless|Works"
).split("|")


RUDE = ("fuck", "shit", "cunt", "dick", "cock", "nazi", "rape", "nigg", "slut", "twat", "wank")
"""What syllables put together by chance must not spell."""


def word(rng: Random) -> str:
    """Return one capitalised invented word, such as ``Norvale`` or ``Traick``."""
    while True:
        body = "".join(
            rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)
            for _ in range(rng.choice((1, 1, 1, 2)))
        )
        tail = (
            rng.choice(ENDINGS) if rng.random() < 0.55 else rng.choice(ONSETS) + rng.choice("aeio")
        )
        if rng.random() < 0.4:  # as English place names and surnames are built
            body, tail = rng.choice(STEMS), rng.choice(ENDINGS)
        name = (body + tail).capitalize()
        if name not in STARTERS and not any(rude in name.lower() for rude in RUDE):
            return name


def _organisation(rng: Random, field: str) -> str:
    kind = rng.choice(KIND_LISTS.get(field, KIND_LISTS["finance"]))
    if field == "finance" and rng.random() < 0.6:
        kind = rng.choice(TRADES)
    style = rng.random()
    if style < 0.32:
        name = f"{word(rng)} {kind}"
    elif style < 0.44:
        name = f"{rng.choice(LEFT)} {rng.choice(RIGHT)} {kind}"
    elif style < 0.54:
        name = f"{rng.choice(LEFT)}{rng.choice(RIGHT).lower()} {kind}"
    elif style < 0.64:
        name = f"{word(rng)} & {word(rng)}"
    elif style < 0.71:
        name = rng.choice(CAMEL_LEFT) + rng.choice(CAMEL_RIGHT)
        name += f" {kind}" if rng.random() < 0.5 else ""
    elif style < 0.78:
        initials = "".join(rng.choice("ABCDEFGHKLMNPRSTV") for _ in range(rng.choice((2, 3))))
        name = f"{initials} {kind}"
    elif style < 0.84:
        name = f"{rng.choice(PLACES)} {rng.choice(LEFT)} {kind}"
    elif style < 0.90:
        name = f"{word(rng)} {rng.choice(LEFT)} {kind}"
    else:
        name = word(rng)
    return f"{name} {rng.choice(FORMS)}" if rng.random() < 0.13 else name


def is_held_out(name: str) -> bool:
    """Return whether a name is kept for nano-world (one in eight, by hash)."""
    return zlib.crc32(name.encode()) % 8 == 0


def organisation(rng: Random, field: str, held_out: bool = False) -> str:
    """Return an organisation's name in the manner of a field, such as ``Harbin & Cole``."""
    while True:
        name = _organisation(rng, field)
        if is_held_out(name) == held_out:
            return name


def person(rng: Random, held_out: bool = False) -> str:
    """Return a person's name, such as ``Lena Harbrook``."""
    while True:
        first = rng.choice(FIRST) if rng.random() < 0.7 else word(rng)
        name = f"{first} {word(rng)}"
        if is_held_out(name) == held_out:
            return name


DRUG_ENDINGS = (
    "mab nib statin pril sartan olol azole cillin mycin parin gliptin vir dipine oxetine prazole "
    "idone afil tinib ciclib zumab platin caine profen semide setron triptan"
).split()
DISEASE_FORMS = (
    "{w} disease|{w} syndrome|{w} fever|{s}itis|{s}osis|{s}oma|{s}emia|{s}opathy|{w} tumour|"
    "{s} palsy|chronic {s}itis|acute {s}itis|familial {s}osis|{w} anemia|{s} atrophy|{s} carcinoma"
).split("|")
LETTERS = "ABCDEFGHIKLMNPRSTX"


def stem(rng: Random) -> str:
    """Return an invented stem in lower case, such as ``tolvan``."""
    return word(rng).lower()[: rng.randint(4, 7)]


def drug(rng: Random) -> str:
    """Return an invented medicine, such as ``tolvacillin``."""
    return word(rng).lower()[: rng.randint(3, 5)] + rng.choice(DRUG_ENDINGS)


def gene(rng: Random) -> str:
    """Return an invented gene symbol, such as ``KLR4`` or ``TP53``."""
    symbol = "".join(rng.choice(LETTERS) for _ in range(rng.choice((2, 3, 3, 4))))
    return f"{symbol}{rng.randint(1, 40)}" if rng.random() < 0.85 else symbol


def disease(rng: Random) -> str:
    """Return an invented disease, such as ``Norvale syndrome``."""
    return rng.choice(DISEASE_FORMS).format(w=word(rng), s=stem(rng))


def court(rng: Random) -> str:
    """Return an invented court, such as ``the Appeal Court of Norvale``."""
    form = rng.choice(
        (
            "the {w} County Court",
            "the Court of Appeal of {w}",
            "the {w} District Court",
            "the High Court of {w}",
            "the {w} Tribunal",
            "the Labour Court in {w}",
        )
    )
    return form.format(w=word(rng))


def judge(rng: Random) -> str:
    """Return a judge, such as ``Judge Harbrook``."""
    return rng.choice(("Judge {w}", "Justice {w}", "Chief Justice {w}")).format(w=word(rng))


INVENTED = {"Drug": drug, "Gene": gene, "Disease": disease, "Court": court, "Judge": judge}
"""Slots of which most values are invented, so that a word list does not do."""


def city(rng: Random) -> str:
    """Return a city: a real one half of the time, otherwise invented."""
    return rng.choice(PLACES) if rng.random() < 0.6 else word(rng)


def country(rng: Random) -> str:
    """Return a country: mostly a real one."""
    return rng.choice(COUNTRIES) if rng.random() < 0.8 else f"{word(rng)}ia"
