import { lazy, Suspense } from "react";
import { createBrowserRouter, Navigate, type RouteObject } from "react-router";

import { Skeletons } from "@/components/states";

import { NotFound, RouteFailure } from "./NotFound";
import { Home } from "./Home";
import { Shell } from "./shell/Shell";

const pages: Record<string, React.LazyExoticComponent<React.ComponentType>> = {
  overview: lazy(() => import("@/features/overview/OverviewPage")),
  incidents: lazy(() => import("@/features/incidents/IncidentsPage")),
  "incidents/:id": lazy(() => import("@/features/incidents/IncidentPage")),
  alerts: lazy(() => import("@/features/alerts/AlertsPage")),
  assets: lazy(() => import("@/features/assets/AssetsPage")),
  companies: lazy(() => import("@/features/companies/CompaniesPage")),
  "companies/:id": lazy(() => import("@/features/companies/CompanyPage")),
  people: lazy(() => import("@/features/people/PeoplePage")),
  ledger: lazy(() => import("@/features/ledger/LedgerPage")),
  audit: lazy(() => import("@/features/audit/AuditPage")),
};

const SignInPage = lazy(() => import("@/features/auth/SignInPage"));

const children: RouteObject[] = Object.entries(pages).map(([path, Component]) => ({
  path,
  element: (
    <Suspense fallback={<Skeletons />}>
      <Component />
    </Suspense>
  ),
}));

export const router = createBrowserRouter([
  {
    path: "/sign-in",
    element: (
      <Suspense>
        <SignInPage />
      </Suspense>
    ),
    errorElement: <RouteFailure />,
  },
  {
    path: "/c/:company",
    element: <Shell />,
    errorElement: <RouteFailure />,
    children: [
      { index: true, element: <Navigate to="overview" replace /> },
      ...children.map((route) => ({ ...route, errorElement: <RouteFailure /> })),
      { path: "*", element: <NotFound /> },
    ],
  },
  { path: "/", element: <Home /> },
  { path: "*", element: <Home /> },
]);
