import type { Language } from "./language.ts"
import { readTerms } from "./terms.ts"

/**
 * Words that customers and businesses use for the same thing. Asked for only when a bot's knowledge does
 * not hold the customer's word at all, so they never compete with what is really written there.
 */
const groups: Record<string, string[]> = {
  en: [
    "ship deliver send dispatch post",
    "shipping shipment delivery postage parcel",
    "return refund exchange",
    "refund reimbursement money return",
    "cost price fee charge rate",
    "expensive price cost",
    "cheap price discount free",
    "discount voucher coupon promotion code sale",
    "buy purchase order",
    "cancel cancellation withdraw",
    "broken damaged faulty defective repair warranty",
    "fix repair mend",
    "guarantee warranty",
    "shop store showroom branch",
    "location address directions",
    "address location",
    "hours opening open",
    "phone telephone call",
    "email mail e-mail",
    "contact phone email support",
    "invoice bill receipt",
    "pay payment card",
    "gift present",
    "wrap packaging gift",
    "packaging parcel wrapping",
    "size measurement dimension length",
    "custom bespoke tailor-made measure",
    "pickup collect collection",
    "pick collect",
    "appointment booking reservation",
    "book reserve booking reservation appointment",
    "subscription membership plan",
    "delete remove erase close",
    "clean wash care",
    "wash clean care laundry",
    "material fabric made",
    "wheelchair accessible step lift disabled",
    "kids children child",
    "staff team employee",
    "job career vacancy hiring",
    "arrive delivery deliver",
    "trial test demo",
    "doctor physician",
    "film movie",
    "begin start",
    "finish end",
  ],
  de: [
    "versand lieferung versenden liefern zustellung porto",
    "verschicken liefern versenden senden",
    "lieferung versand zustellung",
    "rückgabe rücksendung retoure widerruf umtausch",
    "zurückgeben zurücksenden rückgabe umtauschen",
    "umtauschen rückgabe zurücksenden",
    "erstattung rückzahlung geld",
    "preis kosten gebühr",
    "kosten preis gebühr",
    "teuer preis kosten",
    "rabatt gutschein gutscheincode aktion",
    "kaufen bestellen bestellung",
    "stornieren kündigen widerrufen stornierung",
    "kündigen kündigung stornieren",
    "kaputt defekt beschädigt reparatur garantie",
    "reparieren reparatur",
    "garantie gewährleistung",
    "laden geschäft filiale shop",
    "adresse anschrift standort",
    "öffnungszeiten geöffnet öffnen",
    "telefon rufnummer anrufen",
    "rechnung beleg quittung",
    "bezahlen zahlen zahlung zahlungsart",
    "geschenk gutschein",
    "größe maß abmessung",
    "abholen abholung",
    "termin buchung reservierung",
    "reservieren buchen reservierung",
    "anmelden registrieren konto login",
    "waschen reinigen pflege",
    "parken parkplatz",
  ],
  fr: [
    "livraison expédition envoi livrer expédier",
    "expédier livrer envoyer livraison",
    "retour renvoi remboursement échange",
    "renvoyer retourner retour",
    "remboursement rembourser retour",
    "prix tarif coût frais",
    "réduction remise promotion code",
    "acheter commander commande",
    "annuler annulation résilier",
    "cassé défectueux abîmé réparation garantie",
    "magasin boutique",
    "horaires ouverture ouvert",
    "facture reçu",
    "payer paiement règlement",
    "cadeau bon",
    "taille dimension mesure",
    "réserver réservation",
    "laver nettoyer entretien",
  ],
  es: [
    "envío entrega enviar entregar",
    "enviar entregar envío",
    "devolución reembolso cambio devolver",
    "devolver devolución cambio",
    "precio coste costo tarifa",
    "descuento cupón promoción",
    "comprar pedido pedir",
    "cancelar anular cancelación",
    "roto defectuoso dañado reparación garantía",
    "tienda local",
    "horario apertura abierto",
    "factura recibo",
    "pagar pago",
    "regalo",
    "talla tamaño medida",
    "reservar reserva",
    "lavar limpiar cuidado",
  ],
}

const tables = new Map<Language, Map<string, string[]>>()

/** Stems that mean about the same as this one, nearest first; empty when none are known. */
export function listSynonyms(term: string, language: Language): string[] {
  let table = tables.get(language)
  if (!table) {
    table = readGroups(language)
    tables.set(language, table)
  }
  return table.get(term) ?? []
}

/** The first word of a group leads to the others; a word that leads none leads to its groups' words. */
function readGroups(language: Language): Map<string, string[]> {
  const table = new Map<string, string[]>()
  const add = (term: string, others: string[]) => {
    const known = table.get(term) ?? []
    table.set(term, [...new Set([...known, ...others.filter((other) => other !== term)])])
  }
  const read = (groups[language] ?? []).map((group) => [
    ...new Set(readTerms(group, language).map(({ term }) => term)),
  ])
  const leaders = new Set(read.map(([first]) => first))
  for (const [first, ...others] of read) if (first) add(first, others)
  for (const group of read) for (const term of group) if (!leaders.has(term)) add(term, group)
  return table
}
